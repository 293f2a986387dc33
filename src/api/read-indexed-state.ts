import { db } from "ponder:api";
import { sql } from "ponder";
import type { IndexedState } from "./steady-reads.ts";

type Row = {
  is_ready: boolean;
  chain_id: string | null;
  latest_checkpoint: string;
  events: string;
  is_settled: boolean | null;
};

/** Reads how far the engine is from its own tables, in one statement. */
export async function readIndexedState(): Promise<IndexedState> {
  const { rows } = await db.execute(sql`
    select (m.value ->> 'is_ready')::int = 1 as is_ready, c.chain_id, c.latest_checkpoint,
           coalesce(s.events, 0) as events,
           (select is_settled from escrow._engine_start
            order by started_at desc limit 1) as is_settled
    from _ponder_meta m
    left join _ponder_checkpoint c on true
    left join chain_stat s on s.chain_id = c.chain_id
    where m.key = 'app'
    order by c.chain_id`);
  const found = rows as Row[];
  return {
    isReady: found[0]?.is_ready ?? false,
    isSettled: found[0]?.is_settled ?? true,
    heads: found.flatMap(({ chain_id, latest_checkpoint, events }) =>
      chain_id === null
        ? []
        : [{ chainId: Number(chain_id), checkpoint: latest_checkpoint, events: Number(events) }],
    ),
  };
}
