import { freePort } from "../../local/free-port.ts";
import { type ServiceOptions, ServiceProcess } from "./service-process.ts";
import { TestChain } from "./test-chain.ts";
import type { TestWorld } from "./test-world.ts";
import type { TopicRecorder } from "./topic-recorder.ts";
import { waitUntil } from "./wait-until.ts";

/** A place for the service: a database, a Pub/Sub project with a subscriber, and its ports. */
export type RealService = {
  recorder: TopicRecorder;
  databaseUrl: string;
  projectId: string;
  apiUrl: string;
  env: Record<string, string>;
  /** `npm start` there, perhaps from another copy of the project, or with other variables. */
  start(other?: ServiceOptions): ServiceProcess;
  /** Waits until the subscriber has everything that the topics have accepted. */
  allReceived(): Promise<void>;
  /** Schemas of deployments, in order of their names. */
  deploymentSchemas(): Promise<string[]>;
  /** The deployment that the stable views show; empty while there are none. */
  viewedSchema(): Promise<string>;
  /** Escrows as a reader of REST sees them. */
  countByRest(): Promise<number>;
  /** Escrows as a reader of the views sees them, whom nobody holds back. */
  countBySql(): Promise<number>;
};

/** Prepares a database and a Pub/Sub project of their own for `npm start`, both "real" to it. */
export async function realService(world: TestWorld, chain: TestChain): Promise<RealService> {
  const databaseUrl = await world.createDatabase();
  const projectId = world.freshProject();
  const recorder = await world.record(projectId);
  const apiPort = await freePort();
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const env = {
    ...TestChain.environment([chain]),
    DATABASE_URL: databaseUrl,
    PUBSUB_PROJECT_ID: projectId,
    PUBSUB_EMULATOR_HOST: world.pubsub.address,
    DATA_DIR: world.freshFolder(),
    API_PORT: String(apiPort),
  };
  return {
    recorder,
    databaseUrl,
    projectId,
    apiUrl,
    env,
    start: (other = {}) =>
      world.ends(new ServiceProcess("start", { ...other, env: { ...env, ...other.env } })),
    allReceived: async () => {
      await waitUntil("the subscriber has everything", () =>
        Object.entries(world.pubsub.stats().subscriptions)
          .filter(
            ([name]) => name.startsWith(`projects/${projectId}/`) && name.endsWith(".recorder"),
          )
          .every(([, { open }]) => open === 0),
      );
    },
    deploymentSchemas: async () => {
      const rows = await world.query<{ name: string }>(
        databaseUrl,
        String.raw`select nspname as name from pg_namespace where nspname like 'escrow\_%' order by 1`,
      );
      return rows.map(({ name }) => name);
    },
    viewedSchema: async () => {
      const [row] = await world.query<{ name: string }>(
        databaseUrl,
        `select distinct table_schema as name from information_schema.view_table_usage
         where view_schema = 'escrow'`,
      );
      return row?.name ?? "";
    },
    countByRest: async () => {
      const response = await fetch(`${apiUrl}/v1/escrows?limit=1000`);
      if (!response.ok) throw new Error(`REST ${response.status}: ${await response.text()}`);
      const { escrows } = (await response.json()) as { escrows: unknown[] };
      return escrows.length;
    },
    countBySql: async () => {
      const [row] = await world.query<{ count: string }>(
        databaseUrl,
        "select count(*) from escrow.escrow",
      );
      return Number(row?.count);
    },
  };
}
