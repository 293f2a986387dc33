import {
  BODIES,
  type EventBody,
  type EventRetractedBody,
  type FieldType,
  KINDS,
  ORIGIN_FIELDS,
} from "./bodies.ts";
import { InvalidBody } from "./invalid-body.ts";
import { parseBody } from "./parse-body.ts";

/** What a message's body is: a fact of the chain, or that one is retracted. */
export type MessageBody = EventBody | EventRetractedBody;

type Problem = (what: string) => InvalidBody;

const MAX_UINT256 = 2n ** 256n - 1n;
const FORMS = new Map(
  Object.entries(KINDS).map(([kind, form]) => [
    kind,
    {
      words: form.words,
      isOfKind:
        "pattern" in form ? textOf(new RegExp(form.pattern), kind) : wholeNumberTo(form.maximum),
    },
  ]),
);

/**
 * Reads the body of a message and checks every field of it.
 *
 * @param body its bytes as they came, its text, or what was parsed of it
 * @throws InvalidBody when it is no body of this contract. `isUnknown` is then true for a type or a
 *   schema version that this version of the package does not know: a newer relay sent it
 */
export function decodeBody(body: Uint8Array | string | object): MessageBody {
  const value = parseBody(body);
  const fields = new Map<string, unknown>(Object.entries(value));
  const type = take(fields, "event_type");
  const id = take(fields, "event_id");
  const version = take(fields, "schema_version");
  const problem: Problem = (what) => new InvalidBody(`The body of ${JSON.stringify(id)} ${what}.`);
  if (typeof type !== "string") throw problem("has no event_type");
  const known = Object.hasOwn(BODIES, type) ? BODIES[type as keyof typeof BODIES] : undefined;
  if (known === undefined || known.schemaVersion !== version)
    throw new InvalidBody(
      `The body of ${JSON.stringify(id)} is a ${type} of schema version ${JSON.stringify(version)}, which this version of @escrow-stream/messages does not know.`,
      { isUnknown: true },
    );
  check("event_id", known.id, id, problem);
  for (const [name, kind] of [...Object.entries(ORIGIN_FIELDS), ...Object.entries(known.fields)])
    check(name, kind, take(fields, name), problem);
  const [extra] = fields.keys();
  if (extra !== undefined) throw problem(`has a field "${extra}" that no ${type} has`);
  // The checks above are what the compiler cannot see.
  return value as MessageBody;
}

function take(fields: Map<string, unknown>, name: string): unknown {
  const value = fields.get(name);
  fields.delete(name);
  return value;
}

function check(name: string, type: FieldType, value: unknown, problem: Problem): void {
  const kind = type.replace("?", "");
  if (value === undefined && kind !== type) return;
  const form = FORMS.get(kind);
  if (!form?.isOfKind(value))
    throw problem(`has ${name} ${JSON.stringify(value) ?? "missing"}, not ${form?.words}`);
}

function textOf(pattern: RegExp, kind: string): (value: unknown) => boolean {
  return (value) =>
    typeof value === "string" &&
    pattern.test(value) &&
    (kind !== "uint256" || BigInt(value) <= MAX_UINT256);
}

function wholeNumberTo(maximum: number): (value: unknown) => boolean {
  return (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= maximum;
}
