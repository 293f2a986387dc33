import { type EventType, FIELD_KINDS, type FieldKind, fieldsOf } from "./event-catalogue.ts";

const MAX_UINT256 = 2n ** 256n - 1n;

const ADDRESS = new RegExp(FIELD_KINDS.address.pattern);
const UINT256 = new RegExp(FIELD_KINDS.uint256.pattern);
const MAX_UINT8 = FIELD_KINDS.uint8.maximum;

const IS_OF_KIND: Record<FieldKind, (value: unknown) => boolean> = {
  address: (value) => typeof value === "string" && ADDRESS.test(value),
  uint256: (value) =>
    typeof value === "string" && UINT256.test(value) && BigInt(value) <= MAX_UINT256,
  uint8: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_UINT8,
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
      return `its ${field} is ${JSON.stringify(value) ?? "missing"}, not ${FIELD_KINDS[kind].words}`;
  }
  const [extra] = values.keys();
  return extra === undefined ? null : `it has a field "${extra}" that no ${type} has`;
}
