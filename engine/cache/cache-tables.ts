import type { Queryable } from "../../db/queryable.ts";
import { relationExists } from "../../db/relation-exists.ts";
import { EVENT_CATALOGUE, REVISIONS } from "../../src/events/event-catalogue.ts";

/*
 * The engine's cache of RPC answers, which all deployments share (ponder 0.17,
 * `src/sync-store/schema.ts` and `index.ts`).
 *
 * `intervals` says for each fragment of a filter which blocks were asked for, and is believed: those
 * blocks are never asked for again. A block `n` is in it as the closed range from `n` to `n + 1`.
 * `factory_addresses` holds the children of a factory with the block of their announcement; logs of
 * an address that is not in it are not indexed, cached or not. `factories` names a factory by what
 * the configuration says of it. `cache.test.ts` compares all of it with what a real engine writes.
 */
export const CACHE_SCHEMA = "ponder_sync";

/** Tables with what was in a block, each with its column for the block's number. */
export const CACHED_BY_BLOCK: Record<string, string> = {
  logs: "block_number",
  transaction_receipts: "block_number",
  transactions: "block_number",
  traces: "block_number",
  blocks: "number",
  rpc_request_results: "block_number",
};

const ANNOUNCEMENTS = REVISIONS.map(
  (revision) => [revision, EVENT_CATALOGUE.EscrowDeployed.revisions[revision].topic0] as const,
);

/** SQL for the topics of the announcements of escrows. */
export const ANNOUNCEMENT_TOPICS_SQL = ANNOUNCEMENTS.map(([, topic]) => `'${topic}'`).join(", ");

/** SQL for the revision that an announcement is of. */
export function revisionSql(topic0: string): string {
  const cases = ANNOUNCEMENTS.map(([revision, topic]) => `when '${topic}' then '${revision}'`);
  return `case ${topic0} ${cases.join(" ")} end`;
}

const INDEXES = {
  escrow_stream_child: "factory_addresses (chain_id, address)",
  escrow_stream_announcement: `logs (chain_id, block_number, log_index)
    where topic0 in (${ANNOUNCEMENT_TOPICS_SQL})`,
};

/**
 * Makes the indexes that we need in the engine's tables, where they are missing. Without them every
 * look for one address, or for the logs that announce escrows, would read a whole table.
 *
 * Locks: writers of a table wait while its index is made, which happens once.
 */
export async function ensureCacheIndexes(db: Queryable): Promise<void> {
  // What is there already is not asked to be made: that would wait for every writer.
  for (const [name, place] of Object.entries(INDEXES))
    if (!(await relationExists(db, CACHE_SCHEMA, name)))
      await db.query(`create index if not exists ${name} on ${CACHE_SCHEMA}.${place}`);
}
