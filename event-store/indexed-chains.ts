import type { Snapshot } from "./open-snapshot.ts";

/** A chain as a deployment has it, with the blocks up to which it is indexed and final. */
export type IndexedChain = { chainId: number; name: string; head: number; finalized: number };

type Row = { chain_id: string; chain_name: string; latest: string; finalized: string };

/**
 * Reads which chains a deployment follows and how far each is indexed.
 *
 * @param schema a deployment's schema, or that of the stable views
 * @throws when the schema is none of either
 */
export async function readIndexedChains(
  snapshot: Snapshot,
  schema: string,
): Promise<{ chains: IndexedChain[]; buildId: string }> {
  const [found] = await snapshot.all<{ is_there: boolean }>(
    "select to_regclass($1) is not null and to_regclass($2) is not null as is_there",
    [`"${schema}"._ponder_checkpoint`, `"${schema}".event`],
  );
  if (!found?.is_there)
    throw new NoEventStore(
      `schema "${schema}" of this database holds no event store: has an indexer run here?`,
    );
  const [app] = await snapshot.all<{ build_id: string | null; is_ready: boolean }>(
    `select value ->> 'build_id' as build_id, value ->> 'is_ready' = '1' as is_ready
     from "${schema}"._ponder_meta where key = 'app'`,
  );
  const rows = await snapshot.all<Row>(
    `select chain_id, chain_name, latest_checkpoint as latest, finalized_checkpoint as finalized
     from "${schema}"._ponder_checkpoint order by chain_id`,
  );
  const chains = rows.map(({ chain_id, chain_name, latest, finalized }) => ({
    chainId: Number(chain_id),
    name: chain_name,
    // During the backfill a commit may fall within a block; the one before it is whole.
    head: Math.max(0, blockOf(latest) - (app?.is_ready ? 0 : 1)),
    finalized: blockOf(finalized),
  }));
  return { chains, buildId: app?.build_id ?? "" };
}

/** Nothing to read where it was looked for. */
export class NoEventStore extends Error {
  override name = "NoEventStore";
}

/** The engine's checkpoint: 10 digits of time, 16 of chain, 16 of block, and so on. */
function blockOf(checkpoint: string): number {
  return Number(checkpoint.slice(26, 42));
}
