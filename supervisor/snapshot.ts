import type { OutboxSource } from "@escrow-stream/relay";
import { type Kysely, sql } from "kysely";
import { createPublicClient, fallback, http, type PublicClient, webSocket } from "viem";
import type { Chain } from "../config/chain-deployment.ts";
import { type PublicationStatus, readRelayStatus } from "../packages/relay/serve/relay-status.ts";

type ChainSnapshot = {
  name: string;
  chainId: number;
  /** Newest block of the chain; null while no endpoint answers. */
  head: number | null;
  indexed: number | null;
  finalized: number | null;
  /** Final blocks that are followed, and how many of them are proven; only while the witness is behind. */
  proving?: { proven: number; of: number };
};

/** Where everything stands at one moment. */
export type Snapshot = {
  chains: ChainSnapshot[];
  escrows: number;
  events: number;
  anomalies: number;
  publications: PublicationStatus[];
};

type Progress = { chain_id: string; indexed: string; finalized: string };
type Proven = {
  chain_id: string;
  start_block: string;
  gate_from: string;
  proven_through: string;
  history_through: string;
};
type Totals = { escrows: number; events: number; anomalies: number };

/** So many blocks become final together, and are proven in a moment. */
const BEHIND_BLOCKS = 500;
const NOT_THERE_YET = new Set(["42P01", "3F000"]);

/** Reads snapshots from the chains, the read models and the journal. */
export class SnapshotReader {
  readonly #db: Kysely<unknown>;
  readonly #topics: string[];
  readonly #source: OutboxSource;
  readonly #chains: { chain: Chain; client: PublicClient }[];

  constructor(db: Kysely<unknown>, source: OutboxSource, chains: Chain[], topics: string[]) {
    this.#db = db;
    this.#source = source;
    this.#topics = topics;
    this.#chains = chains.map((chain) => ({ chain, client: clientOf(chain) }));
  }

  /** What does not exist yet counts as nothing; any other database error is thrown. */
  async read(): Promise<Snapshot> {
    const [heads, progress, proven, totals, publications] = await Promise.all([
      Promise.all(this.#chains.map(({ client }) => headOf(client))),
      orNone(
        sql<Progress>`
          select chain_id, indexed_block as indexed, final_block as finalized
          from escrow.chain_progress`.execute(this.#db),
      ),
      orNone(
        // Of each chain what is followed now: it is what was proven last.
        sql<Proven>`
          select distinct on (chain_id)
                 chain_id, start_block, gate_from, proven_through, history_through
          from witness.scope order by chain_id, proven_at desc nulls last`.execute(this.#db),
      ),
      orNone(
        sql<Totals>`
          select coalesce(sum(escrows), 0) as escrows, coalesce(sum(events), 0) as events,
                 coalesce(sum(anomalies), 0) as anomalies
          from escrow.chain_stat`.execute(this.#db),
      ),
      readRelayStatus(this.#db, this.#source, this.#topics).catch((error) => emptyIfMissing(error)),
    ]);
    return {
      chains: this.#chains.map(({ chain }, at) => {
        const row = progress.find((each) => Number(each.chain_id) === chain.chainId);
        return {
          name: chain.name,
          chainId: chain.chainId,
          head: heads[at] ?? null,
          indexed: row ? Number(row.indexed) : null,
          finalized: row ? Number(row.finalized) : null,
          ...provingOf(
            Number(row?.finalized ?? 0),
            proven.find((each) => Number(each.chain_id) === chain.chainId),
          ),
        };
      }),
      escrows: Number(totals[0]?.escrows ?? 0),
      events: Number(totals[0]?.events ?? 0),
      anomalies: Number(totals[0]?.anomalies ?? 0),
      publications,
    };
  }
}

/** What was published before there was a witness is proven in a lane of its own. */
function provingOf(final: number, row: Proven | undefined): Pick<ChainSnapshot, "proving"> {
  if (row === undefined) return {};
  const before = Number(row.start_block) - 1;
  const proven =
    Number(row.proven_through) - Number(row.gate_from) + Number(row.history_through) - before;
  const of = final - before;
  return of - proven > BEHIND_BLOCKS ? { proving: { proven, of } } : {};
}

function clientOf({ rpcUrls }: Chain): PublicClient {
  const transports = rpcUrls.map((url) => (url.startsWith("ws") ? webSocket(url) : http(url)));
  return createPublicClient({ transport: fallback(transports), cacheTime: 0 });
}

async function headOf(client: PublicClient): Promise<number | null> {
  return await client.getBlockNumber().then(Number, () => null);
}

async function orNone<T>(query: Promise<{ rows: T[] }>): Promise<T[]> {
  return await query.then(({ rows }) => rows).catch((error) => emptyIfMissing(error));
}

function emptyIfMissing(error: unknown): never[] {
  if (NOT_THERE_YET.has((error as { code?: string }).code ?? "")) return [];
  throw error;
}
