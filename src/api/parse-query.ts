import type { Hex } from "../events/escrow-event.ts";
import { badRequest } from "./request-error.ts";

const STATUSES = ["created", "approved", "released", "refunded", "unknown"] as const;
export type Status = (typeof STATUSES)[number];

const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 100;

/** @throws 400 unless it is an address; any spelling of its letters is taken */
export function parseAddress(parameter: string, value: string): Hex {
  if (!/^0x[0-9a-fA-F]{40}$/.test(value))
    throw badRequest(parameter, `"${value}" is not an address: expected 0x and 40 hex digits`);
  return value.toLowerCase() as Hex;
}

/** @throws 400 unless it is a whole number from `min` to `max` */
export function parseWhole(
  parameter: string,
  value: string,
  { min, max }: { min: number; max: number },
): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < min || number > max)
    throw badRequest(parameter, `"${value}" is not a whole number from ${min} to ${max}`);
  return number;
}

/** @throws 400 for a parameter that there is none of */
export function rejectUnknown(query: Record<string, string>, known: string[]): void {
  const unknown = Object.keys(query).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw badRequest(unknown, `there is no such parameter: expected ${known.join(" or ")}`);
}

export function parseChainId(parameter: string, value: string): number {
  return parseWhole(parameter, value, { min: 1, max: 2 ** 31 - 1 });
}

export function parseLimit(value: string | undefined): number {
  return value === undefined ? DEFAULT_PAGE : parseWhole("limit", value, { min: 1, max: MAX_PAGE });
}

/** @throws 400 unless it is a list of statuses, separated by commas */
export function parseStatuses(value: string): Status[] {
  return value.split(",").map((one) => {
    const status = STATUSES.find((known) => known === one);
    if (!status)
      throw badRequest("status", `"${one}" is not a status: expected ${STATUSES.join(", ")}`);
    return status;
  });
}

/** A time in Unix seconds; the clock's when absent. */
export function parseTime(value: string | undefined): bigint {
  if (value === undefined) return BigInt(Math.floor(Date.now() / 1000));
  if (!/^\d{1,15}$/.test(value))
    throw badRequest("at", `"${value}" is not a time: expected Unix seconds`);
  return BigInt(value);
}
