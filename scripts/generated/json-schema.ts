import { EVENT_TYPES } from "../../src/events/event-catalogue.ts";
import {
  type BodyField,
  type DescribedBody,
  eventBodies,
  KINDS,
  ORIGIN_FIELDS,
  RETRACTION_BODY,
} from "./described-body.ts";

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** A JSON Schema of each body, by its file's name, and one of whatever is on a topic. */
export function jsonSchemas(): Map<string, object> {
  const bodies = [...eventBodies(), RETRACTION_BODY];
  const any = {
    $schema: DIALECT,
    $id: "urn:escrow-stream:message",
    title: "Message",
    description: "The body of any message of escrow-stream but a barrier, which has none.",
    oneOf: bodies.map((body) => ({ $ref: idOf(body) })),
  };
  return new Map<string, object>([
    ...bodies.map((body): [string, object] => [`${kebabCase(body.type)}.json`, schemaOf(body)]),
    ["message.json", any],
  ]);
}

function schemaOf(body: DescribedBody): object {
  const fields = [...ORIGIN_FIELDS, ...body.fields];
  const required = fields.filter(({ isOptional }) => !isOptional).map(({ name }) => name);
  return {
    $schema: DIALECT,
    $id: idOf(body),
    title: body.type,
    description: body.what,
    type: "object",
    properties: {
      event_id: valueSchema({ kind: body.id, isOptional: false }),
      event_type: { const: body.type },
      schema_version: { const: body.schemaVersion },
      ...Object.fromEntries(fields.map((field) => [field.name, valueSchema(field)])),
    },
    required: ["event_id", "event_type", "schema_version", ...required],
    additionalProperties: false,
  };
}

function valueSchema({ kind, isOptional }: Omit<BodyField, "name">): object {
  const form = KINDS[kind];
  const description = isOptional ? `${form.words}; of revision B's events only` : form.words;
  if (kind === "type") return { enum: EVENT_TYPES, description };
  return "pattern" in form
    ? { type: "string", pattern: form.pattern, description }
    : { type: "integer", minimum: 0, maximum: form.maximum, description };
}

function idOf({ type, schemaVersion }: DescribedBody): string {
  return `urn:escrow-stream:message:${type}:v${schemaVersion}`;
}

function kebabCase(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}
