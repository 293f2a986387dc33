import { db } from "ponder:api";
import { sql } from "ponder";
import type { IndexedState } from "./consistent-reads.ts";

type Row = {
  chain_id: string;
  is_ready: boolean;
  is_caught_up: boolean;
  indexed_block: string;
  indexed_at: string;
  events: string;
};

/** Reads how far the index is, in one statement. */
export async function readIndexedState(): Promise<IndexedState> {
  const { rows } = await db.execute(sql`
    select p.chain_id, p.is_ready, p.catching_up_since is null as is_caught_up, p.indexed_block,
           extract(epoch from p.indexed_at)::bigint as indexed_at, coalesce(s.events, 0) as events
    from escrow.chain_progress p left join chain_stat s on s.chain_id = p.chain_id
    order by p.chain_id`);
  const found = rows as Row[];
  return {
    isReady: found[0]?.is_ready ?? false,
    isCaughtUp: found[0]?.is_caught_up ?? true,
    heads: found.map((row) => ({
      chainId: Number(row.chain_id),
      block: Number(row.indexed_block),
      timestamp: Number(row.indexed_at),
      events: Number(row.events),
    })),
  };
}
