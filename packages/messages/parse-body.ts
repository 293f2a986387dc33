import { InvalidBody } from "./invalid-body.ts";

/**
 * A body as the object that it is, whatever it says.
 *
 * @param body its bytes as they came, its text, or what was parsed of them
 * @throws InvalidBody when it is not UTF-8, or not a JSON object
 */
export function parseBody(body: Uint8Array | string | object): Readonly<Record<string, unknown>> {
  let value: unknown = body;
  try {
    if (body instanceof Uint8Array) value = new TextDecoder("utf-8", { fatal: true }).decode(body);
    if (typeof value === "string") value = JSON.parse(value);
  } catch (cause) {
    throw new InvalidBody("not UTF-8 JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new InvalidBody("not a JSON object");
  return value as Record<string, unknown>;
}
