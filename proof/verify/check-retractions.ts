import { isDeepStrictEqual } from "node:util";
import { type Attributes, retractionOf } from "@escrow-stream/messages";
import { sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { Publication } from "../../packages/relay/journal/publication.ts";
import {
  type AttributesRow,
  sentAttributes,
} from "../../packages/relay/journal/sent-attributes.ts";
import type { Findings } from "./findings.ts";

type Row = AttributesRow & {
  ordering_key: string;
  body: string;
  announced_key: string | null;
  announced_sequence: string | null;
  announced_body: string | null;
  announced_attributes: Attributes | null;
};

const PAGE_ROWS = 1_000;

/**
 * Checks that every retraction retracts an incarnation that was published before it on its key, with the
 * bytes that follow from it, and that a final publication has none.
 *
 * @returns how many there are
 */
export async function checkRetractions(
  database: FrozenDatabase,
  publication: Publication,
  findings: Findings,
): Promise<number> {
  let count = 0;
  for (let last = { key: "", sequence: "0" }; ; ) {
    const rows = await database.read(
      sql<Row>`
        select r.kind, r.event_id, r.incarnation, r.ordering_key, r.sequence, r.body,
               r.source_attributes,
               m.ordering_key as announced_key, m.sequence as announced_sequence,
               m.body as announced_body, m.source_attributes as announced_attributes
        from relay.message r
        left join relay.message m
          on m.publication_id = r.publication_id and m.event_id = r.event_id
             and m.kind = 'event' and m.incarnation = r.incarnation
        where r.publication_id = ${publication.id} and r.kind = 'retraction'
          and (r.ordering_key, r.sequence) > (${last.key}, ${last.sequence}::bigint)
        order by r.ordering_key, r.sequence limit ${PAGE_ROWS}`,
    );
    for (const row of rows) {
      const problem = problemOf(row, publication);
      const where = `${publication.topic} ${row.ordering_key} #${row.sequence}`;
      if (problem !== null)
        findings.add("journal-retraction", row.event_id, `${where}: ${problem}`);
    }
    count += rows.length;
    const end = rows.at(-1);
    if (end === undefined || rows.length < PAGE_ROWS) return count;
    last = { key: end.ordering_key, sequence: end.sequence };
  }
}

function problemOf(row: Row, publication: Publication): string | null {
  if (publication.finality === "finalized") return "a final publication retracts nothing";
  if (row.announced_body === null || row.announced_attributes === null)
    return `incarnation ${row.incarnation} of the event is not in the journal`;
  if (row.announced_key !== row.ordering_key)
    return `the event was published on key ${row.announced_key}`;
  if (Number(row.announced_sequence) > Number(row.sequence))
    return `the event is published after it, with sequence ${row.announced_sequence}`;
  const wanted = retractionOf({
    eventId: row.event_id,
    incarnation: row.incarnation,
    body: row.announced_body,
    sourceAttributes: row.announced_attributes,
  });
  if (row.body !== wanted.body) return "its body does not follow from the event's";
  const attributes = sentAttributes(publication, {
    ...row,
    source_attributes: wanted.sourceAttributes,
  });
  return isDeepStrictEqual(sentAttributes(publication, row), attributes)
    ? null
    : "its attributes do not follow from the event's";
}
