import pg from "pg";
import { onTestFinished } from "vitest";
import { startApi } from "../../apps/api/start-api.ts";
import { ensureProgressView } from "../../engine/ensure-progress-view.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import type { RelayWorld } from "./relay-world.ts";
import { type ChainProgress, StandInDeployment } from "./stand-in-deployment.ts";

type Said = { event: string; text: string };

/** A database with a deployment filled by hand, and the API on it. */
export type ApiBed = {
  databaseUrl: string;
  /** The database's owner. */
  owner: pg.Pool;
  deployment: StandInDeployment;
  stop(): Promise<void>;
  /** Where the API listens. */
  origin: string;
  /** What it has logged. */
  said: Said[];
};

type Options = {
  events?: readonly EscrowEvent[];
  progress?: readonly ChainProgress[];
  /** Where the API connects to, made of the database's own URL. */
  connectTo?: (databaseUrl: string) => Promise<string>;
  settings?: Partial<Parameters<typeof startApi>[0]>;
};

const nothing = (): void => undefined;

/** What the API of a test is started with, beside its database. */
export const API_SETTINGS = {
  hostname: "127.0.0.1",
  port: 0,
  connections: 4,
  ...{ keys: [], origins: [], hosts: [], proxies: 0, isAnonymousAllowed: false },
  ...{ requestsPerMinute: 6_000, streams: 1_500, streamsPerClient: 100 },
  requestTimeoutMs: 15_000,
  statementTimeoutMs: 5_000,
  log: { info: nothing, warn: nothing, error: nothing },
};

/** Starts the API on a deployment of its own, until the end of the test. */
export async function startApiBed(world: RelayWorld, options: Options = {}): Promise<ApiBed> {
  const bed = await openApiBed(world, options);
  onTestFinished(() => bed.stop());
  return bed;
}

/** Starts the API on a deployment of its own, until it is stopped. */
export async function openApiBed(world: RelayWorld, options: Options = {}): Promise<ApiBed> {
  const { url, pool } = await world.database();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await ensureProgressView(client);
  await client.end();
  const deployment = await StandInDeployment.create(pool);
  const { events = [], progress = [{ chainId: 7, latest: 10, finalized: 5 }] } = options;
  await deployment.holds(events, progress);
  const said: Said[] = [];
  const say = ({ event }: { event: string }, text: string): void => void said.push({ event, text });
  const api = await startApi({
    ...API_SETTINGS,
    databaseUrl: (await options.connectTo?.(url)) ?? url,
    log: { info: say, warn: say, error: say },
    ...options.settings,
  });
  let stopped: Promise<void> | undefined;
  return {
    ...{ databaseUrl: url, owner: pool, deployment, said },
    stop: () => {
      stopped ??= api.stop();
      return stopped;
    },
    origin: `http://127.0.0.1:${api.port}`,
  };
}
