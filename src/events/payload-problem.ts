import { type EventType, type FieldKind, fieldsOf } from "./event-catalogue.ts";

const MAX_UINT256 = 2n ** 256n - 1n;

const IS_OF_KIND: Record<FieldKind, (value: unknown) => boolean> = {
  address: (value) => typeof value === "string" && /^0x[0-9a-f]{40}$/.test(value),
  uint256: (value) =>
    typeof value === "string" && /^(0|[1-9]\d{0,77})$/.test(value) && BigInt(value) <= MAX_UINT256,
  uint8: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255,
};

const EXPECTED: Record<FieldKind, string> = {
  address: "an address in lower case",
  uint256: "a uint256 as a decimal string",
  uint8: "a whole number from 0 to 255",
};

/**
 * What keeps a payload from being one of the newest version.
 *
 * @returns the first problem in words, null when there is none
 */
export function payloadProblem(type: EventType, payload: unknown): string | null {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload))
    return "its payload is not an object";
  const values = new Map<string, unknown>(Object.entries(payload));
  for (const [field, fieldType] of fieldsOf(type)) {
    const kind = fieldType.replace("?", "") as FieldKind;
    const value = values.get(field);
    values.delete(field);
    if (value === undefined && kind !== fieldType) continue;
    if (!IS_OF_KIND[kind](value))
      return `its ${field} is ${JSON.stringify(value) ?? "missing"}, not ${EXPECTED[kind]}`;
  }
  const [extra] = values.keys();
  return extra === undefined ? null : `it has a field "${extra}" that no ${type} has`;
}
