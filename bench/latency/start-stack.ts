import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Message, PubSub } from "@google-cloud/pubsub";
import { withClient } from "../../db/with-client.ts";
import { type ChainCheckpoint, readEngineState } from "../../engine/deployment/engine-state.ts";
import { viewedDeployment } from "../../engine/deployment/viewed-deployment.ts";
import { FACTORIES } from "../../test/forks/deal.ts";
import { atEnd } from "../framework/at-end.ts";
import { type Child, forkChild, spawnChild } from "../framework/child.ts";
import { query, startDatabase } from "../parts/start-database.ts";
import { PROJECT, startPubsub } from "../parts/start-pubsub.ts";
import type { ChainCommand, ChainReport } from "./chain-messages.ts";

const ROOT = join(import.meta.dirname, "../..");
const TOPIC = "chain.events.v1";
const LOOK_EVERY_MS = 100;

/** A message as the subscriber got it. Times are Unix milliseconds. */
export type Arrival = {
  eventId: string;
  /** The event that it retracts. */
  retracts: string | null;
  /** When Pub/Sub accepted it, by its own clock, which is the same here. */
  publishedAtMs: number;
  arrivedAtMs: number;
};

/** The whole service around a simulated chain, every part a process of its own. */
export type Stack = {
  databaseUrl: string;
  arrivals: readonly Arrival[];
  command: (command: ChainCommand) => Promise<ChainReport>;
  /** The schema that the engine writes. */
  schema: string;
  /** What another process of the service needs in its environment. */
  env: NodeJS.ProcessEnv;
  /** Kills the indexer, starts another one, and waits until it follows the head again. */
  restartIndexer: () => Promise<void>;
  /** Starts the indexer again whenever it ends by itself, as a supervisor does, while something is done. */
  supervised: (work: () => Promise<unknown>) => Promise<void>;
  /** Kills the relay and starts another one. */
  restartRelay: () => Promise<void>;
};

/**
 * Starts chain, PostgreSQL, Pub/Sub, indexer, relay and a subscriber with the settings of
 * `npm start`, but for the poll of the chain, and waits until the indexer follows the head.
 *
 * @param pollSeconds how often the engine asks for a new block
 * @param indexerOptions options of Node for the indexer
 */
export async function startStack(
  folder: string,
  pollSeconds: number,
  indexerOptions: string[] = [],
): Promise<Stack> {
  const postgres = await startDatabase(folder, { track_commit_timestamp: "on" });
  const databaseUrl = await postgres.createDatabase();
  const pubsub = await startPubsub(join(folder, "pubsub"));
  const arrivals = await subscribe(pubsub.host);
  const chain = forkChild(join(import.meta.dirname, "chain-process.ts"));
  const { chainId, url } = await chain.message<{ chainId: number; url: string }>();
  const env = {
    ...process.env,
    ...pubsub.env,
    ...chainEnvironment(chainId, url),
    DATABASE_URL: databaseUrl,
    POLL_INTERVAL_SECONDS: String(pollSeconds),
    RPC_REQUESTS_PER_SECOND: "500",
    PONDER_LOG_LEVEL: "error",
    LOG_LEVEL: "error",
    PUBSUB_CREATE: "true",
  };
  const startIndexer = (): Child =>
    spawnChild(process.execPath, [...indexerOptions, "cli/indexer.ts"], {
      cwd: ROOT,
      env,
      isQuiet: true,
    });
  const nodeOptions = ["--max-old-space-size=160", "--max-semi-space-size=8"];
  const startRelay = (): Child =>
    spawnChild(process.execPath, [...nodeOptions, "cli/relay.ts"], { cwd: ROOT, env });
  let indexer = startIndexer();
  const schema = await untilFollowing(databaseUrl);
  let relay = startRelay();
  await untilLeased(databaseUrl);
  return {
    ...{ databaseUrl, arrivals, schema, env },
    command: (command) => send(chain, command),
    restartIndexer: async () => {
      await indexer.end();
      const before = await writtenBy(databaseUrl);
      indexer = startIndexer();
      await untilFollowing(databaseUrl, before);
    },
    supervised: async (work) => {
      const look = setInterval(() => {
        if (indexer.howEnded() !== null) indexer = startIndexer();
      }, LOOK_EVERY_MS);
      try {
        await work();
      } finally {
        clearInterval(look);
      }
    },
    restartRelay: async () => {
      await relay.end();
      relay = startRelay();
    },
  };
}

function chainEnvironment(chainId: number, url: string): NodeJS.ProcessEnv {
  const factories = (["A", "B"] as const).map((revision) => ({
    address: FACTORIES[revision],
    startBlock: 1,
    revision,
  }));
  return {
    DEPLOYMENTS: JSON.stringify([{ name: "latency", chainId, factories }]),
    [`RPC_URL_${chainId}`]: url,
    FINAL_REQUIRES: "trust",
  };
}

async function send(chain: Child, command: ChainCommand): Promise<ChainReport> {
  chain.process.send(command);
  return await chain.message<ChainReport>();
}

async function subscribe(host: string): Promise<Arrival[]> {
  const pubsub = new PubSub({ projectId: PROJECT, apiEndpoint: host, emulatorMode: true });
  await pubsub.createTopic(TOPIC);
  const [subscription] = await pubsub.topic(TOPIC).createSubscription("latency", {
    enableMessageOrdering: true,
    filter: "attributes:event_id",
  });
  const arrivals: Arrival[] = [];
  subscription.on("message", (message: Message) => {
    const arrivedAtMs = performance.timeOrigin + performance.now();
    const { event_id: eventId = "", retracts = null } = message.attributes;
    const publishedAtMs = message.publishTime.getTime();
    arrivals.push({ eventId, retracts, publishedAtMs, arrivedAtMs });
    message.ack();
  });
  atEnd(async () => {
    await subscription.close();
    await pubsub.close();
  });
  return arrivals;
}

/**
 * @param before what an indexer that was killed had written: its successor has to write, too
 * @returns the deployment's schema, once its backfill is done and its views are there
 */
async function untilFollowing(databaseUrl: string, before = ""): Promise<string> {
  for (;;) {
    const schema = await withClient(databaseUrl, async (client) => {
      const viewed = await viewedDeployment(client);
      if (viewed === null) return null;
      const { isReady, chains } = await readEngineState(client, viewed);
      return isReady && versionsOf(chains) !== before ? viewed : null;
    }).catch(() => null);
    if (schema !== null) return schema;
    await setTimeout(LOOK_EVERY_MS);
  }
}

async function writtenBy(databaseUrl: string): Promise<string> {
  return await withClient(databaseUrl, async (client) => {
    const viewed = await viewedDeployment(client);
    return viewed === null ? "" : versionsOf((await readEngineState(client, viewed)).chains);
  });
}

function versionsOf(chains: readonly ChainCheckpoint[]): string {
  return chains.map(({ rowVersion }) => rowVersion).join();
}

async function untilLeased(databaseUrl: string): Promise<void> {
  const question = "select bool_and(owner is not null) as leased from relay.lease";
  for (;;) {
    const rows = await query<{ leased: boolean }>(databaseUrl, question).catch(() => []);
    if (rows[0]?.leased) return;
    await setTimeout(LOOK_EVERY_MS);
  }
}
