import {
  type BodyField,
  type DescribedBody,
  eventBodies,
  KINDS,
  ORIGIN_FIELDS,
  RETRACTION_BODY,
} from "./described-body.ts";

/** The TypeScript of the bodies: their types, and the table that `decode-body.ts` reads them by. */
export function bodyTypes(): string {
  const events = eventBodies();
  const all = [...events, RETRACTION_BODY];
  return `// Generated from src/events/event-catalogue.ts by scripts/generate.ts. Do not edit.

/** An address or a hash: lower-case hex. */
export type Hex = \`0x\${string}\`;

/** Which message it is, and where and when its event was logged. Times are Unix seconds. */
type Origin = { event_id: string; ${ORIGIN_FIELDS.map(fieldOf).join(" ")} };

${all.map(typeOf).join("\n\n")}

/** A fact of the chain. */
export type EventBody = ${events.map(({ type }) => `${type}Body`).join(" | ")};

export type EventType = EventBody["event_type"];

/** The forms of values: text of a pattern, or a whole number up to a maximum. */
export const KINDS = ${JSON.stringify(KINDS)} as const;

/** A field's kind; a \`?\` marks a field that may be absent. */
export type FieldType = keyof typeof KINDS | \`\${keyof typeof KINDS}?\`;

type Fields = Readonly<Record<string, FieldType>>;

/** What every body has behind \`event_id\`, \`event_type\` and \`schema_version\`, in this order. */
export const ORIGIN_FIELDS = ${JSON.stringify(asObject(ORIGIN_FIELDS))} as const satisfies Fields;

/** What follows the origin in each body, in this order. */
export const BODIES: Readonly<
  Record<EventType | "EventRetracted", { schemaVersion: number; id: FieldType; fields: Fields }>
> = ${JSON.stringify(
    Object.fromEntries(
      all.map(({ type, schemaVersion, id, fields }) => [
        type,
        { schemaVersion, id, fields: asObject(fields) },
      ]),
    ),
  )};
`;
}

function typeOf({ type, what, schemaVersion, fields }: DescribedBody): string {
  return `/** ${what} */
export type ${type}Body = Origin & {
  event_type: "${type}";
  schema_version: ${schemaVersion};
  ${fields.map(fieldOf).join("\n  ")}
};`;
}

function fieldOf({ name, kind, isOptional }: BodyField): string {
  const comment = isOptional ? "/** Of revision B's events only. */\n  " : "";
  return `${comment}${name}${isOptional ? "?" : ""}: ${TYPE_OF[kind]};`;
}

const TYPE_OF: Record<BodyField["kind"], string> = {
  id: "string",
  retraction_id: "string",
  type: "EventType",
  address: "Hex",
  hash: "Hex",
  uint256: "string",
  uint8: "number",
  integer: "number",
};

function asObject(fields: BodyField[]): Record<string, string> {
  return Object.fromEntries(
    fields.map(({ name, kind, isOptional }) => [name, isOptional ? `${kind}?` : kind]),
  );
}
