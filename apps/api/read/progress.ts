import type { Queryable } from "../../../db/queryable.ts";

/** A block and its time in Unix seconds. */
export type Mark = { block: number; at: number };

/** How far a chain is: what every answer says, and what tells whether rows are gone for a while. */
export type ChainProgress = {
  chainId: number;
  chainName: string;
  indexed: Mark;
  final: Mark;
  /** What was compared with the chain itself, and when (not the block's time); null: nothing was. */
  verified: Mark | null;
  /** Number of its events. */
  events: number;
  /**
   * Names what its rows are made of: alike as long as no event is added or reverted. The hash of the
   * last event's block stands for all events before it.
   */
  state: string;
};

/** How far the read models are, in one state of the database. */
export type Progress = {
  /** The backfill is done. */
  isReady: boolean;
  /** The engine has indexed again what it reverted at its last start. */
  isCaughtUp: boolean;
  chains: ChainProgress[];
  /** How far a standby is behind its primary, in seconds; null on a primary. */
  standbyLagSeconds: number | null;
};

/** What one statement finds out: how far the index is, and in which state of the database it is so. */
export type Look = {
  progress: Progress;
  /**
   * The database's name of its snapshot: one of the same name shows the same rows. Null on a standby,
   * whose names leave out what has not ended yet.
   */
  snapshot: string | null;
};

type Row = {
  snapshot: string | null;
  chain_id: number;
  chain_name: string;
  build_id: string | null;
  last_hash: string | null;
  is_ready: boolean;
  is_caught_up: boolean;
  indexed_block: number | null;
  indexed_at: number | null;
  final_block: number | null;
  final_at: number | null;
  verified_block: number | null;
  verified_at: number | null;
  events: number;
  standby_lag: number | null;
};

/** The database has so long to say how far it is, in milliseconds; then it counts as away. */
export const PROGRESS_TIMEOUT_MS = 2_000;

const STANDBY_LAG = `
  case when not pg_is_in_recovery() then null
       when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
       else extract(epoch from now() - pg_last_xact_replay_timestamp())::float8 end`;

/** In SQL, the `snapshot` of a `Look`. Costs next to nothing: no table is read. */
export const SNAPSHOT_NAME =
  "case when not pg_is_in_recovery() then pg_current_snapshot()::text end as snapshot";

/** By type, as the index has it. */
const LAST_HASH = `
  (select e.block_hash from escrow.event e
   where e.chain_id = p.chain_id and e.block_number = s.last_event_block
     and e.type in ('EscrowCreated', 'EscrowDeployed', 'Approved', 'EscrowReleased',
                    'EscrowRefunded', 'ArbiterChanged')
   limit 1)`;

function progressSql(hasVerified: boolean): string {
  return `
    select p.chain_id, p.chain_name, p.build_id, p.is_ready, p.catching_up_since is null as is_caught_up,
           p.indexed_block, extract(epoch from p.indexed_at)::int8 as indexed_at,
           p.final_block, extract(epoch from p.final_at)::int8 as final_at,
           ${hasVerified ? "v.verified_block, extract(epoch from v.verified_at)::int8" : "null as verified_block, null"} as verified_at,
           coalesce(s.events, 0)::int8 as events, ${LAST_HASH} as last_hash,
           ${STANDBY_LAG} as standby_lag, ${SNAPSHOT_NAME}
    from escrow.chain_progress p
    left join escrow.chain_stat s on s.chain_id = p.chain_id
    ${hasVerified ? "left join escrow.chain_verified v on v.chain_id = p.chain_id" : ""}
    order by p.chain_id`;
}

const WITH_VERIFIED = progressSql(true);
const WITHOUT_VERIFIED = progressSql(false);

/** The statement of `readProgress`. */
export function progressQuery(hasVerified: boolean) {
  return {
    name: hasVerified ? "progress" : "progress-without-verified",
    text: hasVerified ? WITH_VERIFIED : WITHOUT_VERIFIED,
    // Part of pg's queries, though not of their type.
    query_timeout: PROGRESS_TIMEOUT_MS,
  };
}

/**
 * Reads how far the index is, in one statement.
 *
 * @param hasVerified whether there is the view of what was verified: databases of older indexers
 *   have none
 */
export async function readProgress(db: Queryable, hasVerified: boolean): Promise<Look> {
  const { rows } = await db.query<Row>(progressQuery(hasVerified));
  return { progress: progressOf(rows), snapshot: rows[0]?.snapshot ?? null };
}

function progressOf(rows: readonly Row[]): Progress {
  return {
    isReady: rows[0]?.is_ready ?? false,
    isCaughtUp: rows[0]?.is_caught_up ?? true,
    standbyLagSeconds: rows[0]?.standby_lag ?? null,
    chains: rows.map((row) => ({
      chainId: row.chain_id,
      chainName: row.chain_name,
      indexed: { block: row.indexed_block ?? 0, at: row.indexed_at ?? 0 },
      final: { block: row.final_block ?? 0, at: row.final_at ?? 0 },
      verified:
        row.verified_block === null
          ? null
          : { block: row.verified_block, at: row.verified_at ?? 0 },
      events: row.events,
      state: [row.chain_id, row.build_id, row.events, row.last_hash].join("/"),
    })),
  };
}

/**
 * Whether what there is lacks rows that were answered before. After a restart the engine reverts
 * everything that is not final and indexes it again. The indexed block does not tell: it stands
 * still, wrong, until the first block is indexed. So until the engine has caught up, fewer events
 * than before count as behind. Afterwards they do not: then a reorg reverted them, and that is the
 * truth.
 */
export function isBehind(now: Progress, before: Progress): boolean {
  if (before.isReady && !now.isReady) return true;
  if (now.isCaughtUp) return false;
  return before.chains.some(({ chainId, indexed, events }) => {
    const chain = now.chains.find((each) => each.chainId === chainId);
    return chain !== undefined && (chain.events < events || chain.indexed.block < indexed.block);
  });
}

/** Names all rows that there are: alike as long as no event is added or reverted. */
export function rowsState({ chains }: Progress): string {
  return chains.map(({ state }) => state).join("\n");
}
