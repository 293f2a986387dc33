import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Logger } from "pino";
import type { Chain } from "../../config/chain-deployment.ts";
import { type FinalRequires, finalRulesOf, needsWitness } from "../../config/final-requires.ts";
import type { Listening } from "../../config/process-config.ts";
import { withClient } from "../../db/with-client.ts";
import { ensureReadableProgress } from "../../engine/ensure-progress-view.ts";
import { ensureWitnessTables } from "../../engine/witness-tables.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { openSources } from "../../source/open-sources.ts";
import { ChainWitness } from "./chain-witness.ts";
import { serveWitness } from "./serve-witness.ts";

export type WitnessOptions = {
  databaseUrl: string;
  chains: readonly Chain[];
  finalRequires: FinalRequires;
  listening: Listening;
  log: Logger;
  /** Ends it. */
  signal: AbortSignal;
  /** Called with the port of `/health`, `/ready`, `/status` and `/metrics`. */
  onListening?: (port: number) => void;
  leaseMs?: number;
  lookEveryMs?: number;
};

const LEASE_MS = 10_000;
/** The engine reverts rows for seconds after its start; what is missing for longer is missing. */
const LOOKS = 3;
const LOOK_EVERY_MS = 2_500;
/** The indexer asks the same endpoints, and goes before. */
const SHARE_OF_PACE = 0.5;
const CONNECTIONS_PER_CHAIN = 2;
const DATABASE_TIMEOUTS = {
  connectionTimeoutMillis: 10_000,
  statement_timeout: 60_000,
  lock_timeout: 5_000,
  idle_in_transaction_session_timeout: 60_000,
};

/**
 * Runs the witness until `signal`: each chain on its own, so that none waits for another one's
 * nodes. Any number of witnesses may run; each chain is one's by lease.
 *
 * @throws an error of the database at the start
 */
export async function runWitness(options: WitnessOptions): Promise<void> {
  const { databaseUrl, chains, finalRequires, log, signal, onListening } = options;
  await ensureReadableProgress(databaseUrl);
  await withClient(databaseUrl, ensureWitnessTables);
  const witnessed = chains.filter(({ chainId }) =>
    needsWitness(finalRulesOf(finalRequires, chainId)),
  );
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: CONNECTIONS_PER_CHAIN * witnessed.length + 1,
    ...DATABASE_TIMEOUTS,
  });
  // A pool opens a lost connection again; without a listener the event would end the process.
  pool.on("error", () => undefined);
  // Lost while it is lent out, a connection fails its query; unheard, its event would end us.
  pool.on("connect", (client) => client.on("error", () => undefined));
  const say = (event: string, text: string) => log.warn({ event }, text);
  const owner = randomUUID();
  const witnesses = witnessed.map((chain) => {
    const open = (rpcAgree: number) => openSource({ ...chain, rpcAgree }, say);
    return new ChainWitness({
      ...{ chain, pool, source: open(1), agreeing: once(open), log, owner },
      ...{ rules: finalRulesOf(finalRequires, chain.chainId), looks: LOOKS },
      leaseMs: options.leaseMs ?? LEASE_MS,
      lookEveryMs: options.lookEveryMs ?? LOOK_EVERY_MS,
    });
  });
  const server = await serveWitness(options.listening, () => witnesses.map(({ status }) => status));
  try {
    onListening?.(server.port);
    const stopped = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => stopped.resolve(), { once: true });
    if (signal.aborted) stopped.resolve();
    await Promise.all([stopped.promise, ...witnesses.map((each) => each.run(signal))]);
  } finally {
    await server.close();
    await pool.end();
  }
}

function openSource(chain: Chain, say: (event: string, text: string) => void): ChainSource {
  const rpcRequestsPerSecond = chain.rpcRequestsPerSecond * SHARE_OF_PACE;
  const [source] = openSources([{ ...chain, rpcRequestsPerSecond }], say);
  if (source === undefined) throw new Error(`chain ${chain.chainId} has no source`);
  return source;
}

/** Opened when it is needed, and kept. */
function once(open: (endpoints: number) => ChainSource): (endpoints: number) => ChainSource {
  const opened = new Map<number, ChainSource>();
  return (endpoints) => {
    const source = opened.get(endpoints) ?? open(endpoints);
    opened.set(endpoints, source);
    return source;
  };
}
