import { type RawBuilder, sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { EventRow } from "../../src/events/event-row.ts";

/** An event as it is stored, and what the outbox has at its place. */
export type StoredRow = EventRow & {
  /** The payload as PostgreSQL writes it: keys in its own fixed order. */
  payload_text: string;
  outbox_event_id: string | null;
  outbox_key: string | null;
  outbox_block_number: string | null;
  outbox_block_hash: string | null;
  /** SHA-256 in hex of the bytes. */
  outbox_body: string | null;
  outbox_attributes: string | null;
};

/** The last block to read, by chain; or the first one behind it. */
export type BlockRange = { chainId: number; block: number }[];

/** Some megabytes. */
export const PAGE_ROWS = 5_000;

/**
 * Reads the event store in the order of the chains' logs, page by page.
 *
 * @param part `upTo` reads the events up to the given blocks, `behind` all others; events of chains
 *   that are not named are behind
 */
export async function* readEventPages(
  database: FrozenDatabase,
  schema: string,
  part: "upTo" | "behind",
  blocks: BlockRange,
  pageRows: number,
): AsyncGenerator<StoredRow[]> {
  const isUpTo = sql<boolean>`e.block_number <= coalesce(
    (select b.block from unnest(${blocks.map(({ chainId }) => chainId)}::bigint[],
                                ${blocks.map(({ block }) => block)}::bigint[]) as b (chain, block)
     where b.chain = e.chain_id), -1)`;
  const isWanted = part === "upTo" ? isUpTo : sql<boolean>`not ${isUpTo}`;
  let last: { position: string; id: string } | null = null;
  for (;;) {
    const rows: StoredRow[] = await database.read(page(schema, isWanted, last, pageRows));
    if (rows.length > 0) yield rows;
    const end = rows.at(-1);
    if (end === undefined || rows.length < pageRows) return;
    last = { position: end.position, id: end.id };
  }
}

/** By position and, should two rows have the same, by id. */
function page(
  schema: string,
  isWanted: RawBuilder<boolean>,
  last: { position: string; id: string } | null,
  pageRows: number,
): RawBuilder<StoredRow> {
  const isNext =
    last === null
      ? sql`true`
      : sql`e.position >= ${last.position} and (e.position, e.id) > (${last.position}, ${last.id})`;
  return sql<StoredRow>`
    with page as (
      select e.* from ${sql.id(schema, "event")} e
      where ${isNext} and ${isWanted}
      order by e.position, e.id
      limit ${pageRows}
    )
    select e.*, e.payload::text as payload_text,
           o.event_id as outbox_event_id, o.ordering_key as outbox_key,
           o.block_number as outbox_block_number, o.block_hash as outbox_block_hash,
           encode(sha256(convert_to(o.body, 'UTF8')), 'hex') as outbox_body,
           encode(sha256(convert_to(o.attributes, 'UTF8')), 'hex') as outbox_attributes
    from page e
    left join ${sql.id(schema, "outbox")} o
      on o.chain_id = e.chain_id and o.position = e.position
    order by e.position, e.id`;
}
