import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  EVENT_CATALOGUE,
  EVENT_TYPES,
  type EventType,
  FIELD_KINDS,
  type FieldKind,
  fieldsOf,
  REVISIONS,
} from "../../src/events/event-catalogue.ts";

const GOLDEN = join(import.meta.dirname, "../../test/golden");

type Golden = { revision: string; events: { row: { type: string }; message: { body: string } }[] };

/** The reference page of the events. */
export function eventReference(): string {
  return `<!-- Generated from src/events/event-catalogue.ts by scripts/generate.ts. Do not edit. -->

# The events

What the contracts log, and what a message says of it. Every body begins with \`event_id\`, \`event_type\`, \`schema_version\` and where it was logged ([the message](message.md)); the fields here follow, in this order. [\`@escrow-stream/messages\`](../../packages/messages/README.md) has types, JSON Schemas and a decoder of all of them.

${EVENT_TYPES.map(sectionOf).join("\n\n")}
`;
}

function sectionOf(type: EventType): string {
  const { emitter, revisions } = EVENT_CATALOGUE[type];
  const isSame = revisions.A.topic0 === revisions.B.topic0;
  const shown = isSame ? (["A"] as const) : REVISIONS;
  const logged = shown.map((revision) => {
    const { signature, topic0, schemaVersion } = revisions[revision];
    const who = isSame ? REVISIONS.join(", ") : revision;
    return `| ${who} | \`${signature.replace("event ", "")}\` | \`${topic0}\` | ${schemaVersion} |`;
  });
  const fields = fieldsOf(type).map(([name, fieldType]) => {
    const kind = fieldType.replace("?", "") as FieldKind;
    const only = fieldType.endsWith("?") ? "; revision B only" : "";
    return `| \`${name}\` | ${FIELD_KINDS[kind].words}${only} |`;
  });
  return [
    `## ${type}`,
    `Logged by the ${emitter}.`,
    [
      "| Revision | Signature | First topic | Schema version |",
      "|---|---|---|---|",
      ...logged,
    ].join("\n"),
    ["| Field | Value |", "|---|---|", ...fields].join("\n"),
    ["```json", JSON.stringify(JSON.parse(exampleOf(type)), null, 2), "```"].join("\n"),
  ].join("\n\n");
}

/** A body that is kept as a fixture, of revision B where there is one: it says the most. */
function exampleOf(type: EventType): string {
  const files = readdirSync(GOLDEN).filter((file) => file.endsWith(".json"));
  for (const file of files.sort().reverse()) {
    const { events } = JSON.parse(readFileSync(join(GOLDEN, file), "utf8")) as Golden;
    const found = events.find(({ row }) => row.type === type);
    if (found !== undefined) return found.message.body;
  }
  throw new Error(`test/golden has no ${type}`);
}
