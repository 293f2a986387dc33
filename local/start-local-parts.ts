import { startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { namesNoChain } from "../config/parse-chains.ts";
import { connectToChain } from "./chain/chain-client.ts";
import { deployFactories } from "./chain/deploy-factories.ts";
import { startTraffic } from "./chain/escrow-traffic.ts";
import { startAnvil } from "./chain/start-anvil.ts";
import { DataFolder } from "./data-folder.ts";
import { startPostgres } from "./postgres/start-postgres.ts";
import { removeServiceEnvironment, writeServiceEnvironment } from "./service-environment.ts";

type Env = Record<string, string | undefined>;

export type LocalOptions = {
  dataDir: string;
  /** Events per second of the sample escrows; 0 for none. */
  eventsPerSecond: number;
  seed: number;
};

/** What stands in for a part that is not configured, and what is real. */
export type LocalParts = {
  /** One line for each part, for a person. */
  lines: string[];
  /** The environment with the embedded parts' addresses added. */
  env: Record<string, string>;
  hasLocalPubsub: boolean;
  hasLocalChain: boolean;
  /** Ends the sample traffic and mines until everything on the local chain is final. */
  settleChain(): Promise<void>;
  stop(): Promise<void>;
};

/** Project of the embedded Pub/Sub. */
const LOCAL_PROJECT = "local";
const LOCAL_CHAIN_ID = 31_337;
const BLOCK_TIME_SECONDS = 1;
const CHAIN_AGE_SECONDS = 730 * 86_400;
/** More than twice the engine's finality depth of 30 blocks: then the last event is final. */
const SETTLING_BLOCKS = 70;

/**
 * Starts PostgreSQL, Pub/Sub and a chain with sample escrows, each only when the environment does
 * not name a real one. Their data survives in `dataDir`.
 *
 * @throws when a part does not start, or `dataDir` is in use; what was started is stopped again
 */
export async function startLocalParts(env: Env, options: LocalOptions): Promise<LocalParts> {
  const folder = await DataFolder.take(options.dataDir);
  const added: Record<string, string> = {};
  const lines: string[] = [];
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    removeServiceEnvironment(folder.path);
    for (const one of stops.splice(0).reverse()) await one();
    folder.release();
  };
  const parts: LocalParts = {
    lines,
    env: added,
    hasLocalPubsub: false,
    hasLocalChain: false,
    settleChain: async () => undefined,
    stop,
  };
  try {
    if (env.DATABASE_URL) lines.push("PostgreSQL  real: DATABASE_URL");
    else {
      const postgres = await startPostgres({
        dataDir: folder.place("postgres"),
        ...portOf(env.POSTGRES_PORT),
      });
      if (postgres.process.pid) folder.started(postgres.process.pid);
      stops.push(() => postgres.stop());
      added.DATABASE_URL = postgres.url;
      lines.push(`PostgreSQL  embedded: ${postgres.url}`);
    }
    if (env.PUBSUB_PROJECT_ID || env.PUBSUB_EMULATOR_HOST) {
      const where = env.PUBSUB_EMULATOR_HOST ?? "Google Cloud";
      if (!env.PUBSUB_PROJECT_ID) added.PUBSUB_PROJECT_ID = LOCAL_PROJECT;
      lines.push(`Pub/Sub     real: ${where}, project ${env.PUBSUB_PROJECT_ID ?? LOCAL_PROJECT}`);
    } else {
      const pubsub = await startPubsubServer({
        dataDir: folder.place("pubsub"),
        ...portOf(env.PUBSUB_PORT),
      });
      stops.push(() => pubsub.stop());
      added.PUBSUB_EMULATOR_HOST = pubsub.address;
      added.PUBSUB_PROJECT_ID = LOCAL_PROJECT;
      added.PUBSUB_CREATE = env.PUBSUB_CREATE || "true";
      parts.hasLocalPubsub = true;
      lines.push(
        `Pub/Sub     embedded: PUBSUB_EMULATOR_HOST=${pubsub.address}, project ${LOCAL_PROJECT}`,
      );
    }
    if (!namesNoChain(env)) lines.push("Chain       real: as configured");
    else await startChain(env, options, folder, parts, stops);
    const { DATABASE_URL = added.DATABASE_URL ?? "" } = env;
    writeServiceEnvironment(folder.path, { ...added, DATABASE_URL });
    return parts;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startChain(
  env: Env,
  { eventsPerSecond, seed }: LocalOptions,
  folder: DataFolder,
  parts: LocalParts,
  stops: (() => Promise<void>)[],
): Promise<void> {
  const anvil = await startAnvil({
    chainId: LOCAL_CHAIN_ID,
    stateFile: folder.place("chain.json"),
    // Chain days pass in jumps that end before now, so that refunds, too, come to pass.
    genesisTimestamp: Math.floor(Date.now() / 1000) - CHAIN_AGE_SECONDS,
    ...portOf(env.CHAIN_PORT),
  });
  if (anvil.process.pid) folder.started(anvil.process.pid);
  stops.push(() => anvil.stop());
  const factories = await deployFactories(anvil);
  const client = connectToChain(anvil.rpcUrl);
  await client.setIntervalMining({ interval: BLOCK_TIME_SECONDS });
  await client.setAutomine(false);
  const traffic =
    eventsPerSecond > 0
      ? startTraffic({ ...anvil, chainId: LOCAL_CHAIN_ID, factories, seed, eventsPerSecond })
      : null;
  if (traffic) stops.push(() => traffic.stop());
  parts.hasLocalChain = true;
  parts.settleChain = async () => {
    await traffic?.stop();
    await client.mine({ blocks: SETTLING_BLOCKS });
  };
  parts.env.DEPLOYMENTS = JSON.stringify([
    {
      name: "local",
      chainId: LOCAL_CHAIN_ID,
      factories: [
        { ...factories.revisionA, revision: "A" },
        { ...factories.revisionB, revision: "B" },
      ],
    },
  ]);
  parts.env[`RPC_URL_${LOCAL_CHAIN_ID}`] = anvil.rpcUrl;
  parts.env.POLL_INTERVAL_SECONDS = env.POLL_INTERVAL_SECONDS || "0.25";
  parts.env.RPC_REQUESTS_PER_SECOND = env.RPC_REQUESTS_PER_SECOND || "500";
  parts.lines.push(
    `Chain       embedded: ${anvil.rpcUrl}, chain id ${LOCAL_CHAIN_ID}, sample escrows`,
  );
}

function portOf(variable: string | undefined): { port?: number } {
  return variable ? { port: Number(variable) } : {};
}
