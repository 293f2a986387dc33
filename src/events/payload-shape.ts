import type { EventType, Payloads } from "./escrow-event.ts";

type Kind = "address" | "uint256" | "uint8";
type Optional = `${Kind}?`;

type Shapes = {
  [T in EventType]: {
    [Field in keyof Required<Payloads[T]>]: undefined extends Payloads[T][Field] ? Optional : Kind;
  };
};

/** The newest shape of every event's payload. */
const SHAPES: Shapes = {
  EscrowCreated: {
    payer: "address",
    payee: "address",
    arbiter: "address?",
    amount: "uint256",
    release_time: "uint256",
    approvals_required: "uint8",
  },
  EscrowDeployed: {
    escrow: "address",
    payer: "address",
    payee: "address",
    arbiter: "address?",
    amount: "uint256",
    release_delay: "uint256",
    approvals_required: "uint8",
  },
  Approved: { approver: "address" },
  EscrowReleased: { payee: "address", amount: "uint256", timestamp: "uint256" },
  EscrowRefunded: { payer: "address", amount: "uint256", timestamp: "uint256" },
  ArbiterChanged: { old_arbiter: "address", new_arbiter: "address" },
};

const MAX_UINT256 = 2n ** 256n - 1n;

const IS_OF_KIND: Record<Kind, (value: unknown) => boolean> = {
  address: (value) => typeof value === "string" && /^0x[0-9a-f]{40}$/.test(value),
  uint256: (value) =>
    typeof value === "string" && /^(0|[1-9]\d{0,77})$/.test(value) && BigInt(value) <= MAX_UINT256,
  uint8: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255,
};

const EXPECTED: Record<Kind, string> = {
  address: "an address in lower case",
  uint256: "a uint256 as a decimal string",
  uint8: "a whole number from 0 to 255",
};

/** Whether there is such an event. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(SHAPES, type);
}

/**
 * What keeps a payload from being one of the newest version.
 *
 * @returns the first problem in words, null when there is none
 */
export function payloadProblem(type: EventType, payload: unknown): string | null {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload))
    return "its payload is not an object";
  const shape: Record<string, Kind | Optional> = SHAPES[type];
  const values = new Map<string, unknown>(Object.entries(payload));
  for (const [field, kindOrOptional] of Object.entries(shape)) {
    const kind = kindOrOptional.replace("?", "") as Kind;
    const value = values.get(field);
    if (value === undefined && kind !== kindOrOptional) continue;
    if (!IS_OF_KIND[kind](value))
      return `its ${field} is ${JSON.stringify(value) ?? "missing"}, not ${EXPECTED[kind]}`;
  }
  const extra = [...values.keys()].find((field) => !Object.hasOwn(shape, field));
  return extra === undefined ? null : `it has a field "${extra}" that no ${type} has`;
}
