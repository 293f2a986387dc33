import { MalformedMessage } from "@escrow-stream/consumer";

type Body = Readonly<Record<string, unknown>>;

/** @throws MalformedMessage when the field is not text */
export function text(body: Body, field: string): string {
  const value = body[field];
  if (typeof value !== "string" || value === "") throw wrong(body, field, "text");
  return value;
}

/** A uint256 as a decimal string. @throws MalformedMessage when it is not one */
export function decimal(body: Body, field: string): string {
  const value = body[field];
  if (typeof value !== "string" || !/^\d{1,78}$/.test(value)) throw wrong(body, field, "a decimal");
  return value;
}

/** @throws MalformedMessage when the field is not a whole number */
export function integer(body: Body, field: string): number {
  const value = body[field];
  if (typeof value !== "number" || !Number.isSafeInteger(value))
    throw wrong(body, field, "a whole number");
  return value;
}

function wrong(body: Body, field: string, expected: string): MalformedMessage {
  return new MalformedMessage(
    `Event ${body.event_id} has ${field} ${JSON.stringify(body[field])}, expected ${expected}.`,
  );
}
