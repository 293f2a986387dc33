import { join } from "node:path";
import { TestChain } from "../support/test-chain.ts";
import type { TestWorld } from "../support/test-world.ts";
import { KeptAlive } from "./kept-alive.ts";
import { ASKING, type Asking, type LiedChain } from "./lied-chain.ts";

/** The engine gets round to each of many chains less often than it could to one. */
const POLL_SECONDS = "1";

/** As `npm start` has it: compiling thousands of modules is a third of a start. */
const COMPILE_CACHE = join(import.meta.dirname, "../../node_modules/.cache/compile");

export type ServicePlace = {
  databaseUrl: string;
  projectId: string;
  /** False: a hole is made and filled by whoever plays. */
  isHealing: boolean;
};
export type RoundServices = Record<Asking, KeptAlive>;

/** Starts a real indexer, relay and witness that follow all of these chains, each by its own endpoints. */
export function startServices(
  world: TestWorld,
  chains: readonly LiedChain[],
  { databaseUrl, projectId, isHealing }: ServicePlace,
): RoundServices {
  const env = (who: Asking): Record<string, string> => ({
    ...TestChain.environment(chains.map(({ chain }) => chain)),
    ...Object.fromEntries(
      chains.flatMap((lied) => [
        [`RPC_URL_${lied.chain.chainId}`, lied.urls(who)],
        ...lied.game.lies.flatMap(({ agree }) =>
          agree ? [[`RPC_AGREE_${lied.chain.chainId}`, String(agree)]] : [],
        ),
      ]),
    ),
    DATABASE_URL: databaseUrl,
    PUBSUB_PROJECT_ID: projectId,
    PUBSUB_EMULATOR_HOST: world.pubsub.address,
    METADATA_SERVER_DETECTION: "none",
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    POLL_INTERVAL_SECONDS: POLL_SECONDS,
    RELAY_POLL_INTERVAL_MS: "500",
    RELAY_LEASE_MS: "5000",
    FINAL_REQUIRES: "verified,trust",
    WITNESS_HEALS: String(isHealing),
  });
  const release = {
    indexer: () => releaseSchemas(world, databaseUrl),
    relay: async () => undefined,
    witness: async () => undefined,
  };
  const started = ASKING.map((who) => [
    who,
    world.ends(new KeptAlive(who, env(who), release[who])),
  ]);
  return Object.fromEntries(started) as RoundServices;
}

/** The engine keeps others out of its schema for 25 s after it was killed. */
async function releaseSchemas(world: TestWorld, databaseUrl: string): Promise<void> {
  const schemas = await world.query<{ schema: string }>(
    databaseUrl,
    String.raw`select schemaname as schema from pg_tables
               where tablename = '_ponder_meta' and schemaname like 'escrow\_%'`,
  );
  for (const { schema } of schemas)
    await world.query(
      databaseUrl,
      `update "${schema}"._ponder_meta set value = jsonb_set(value, '{is_locked}', '0')
       where key = 'app'`,
    );
}
