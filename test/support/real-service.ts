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
};

/** Prepares a database and a Pub/Sub project of their own for `npm start`, both "real" to it. */
export async function realService(world: TestWorld, chain: TestChain): Promise<RealService> {
  const databaseUrl = await world.createDatabase();
  const projectId = world.freshProject();
  const recorder = await world.record(projectId);
  const apiPort = await freePort();
  const env = {
    ...TestChain.environment([chain]),
    DATABASE_URL: databaseUrl,
    PUBSUB_PROJECT_ID: projectId,
    PUBSUB_EMULATOR_HOST: world.pubsub.host,
    DATA_DIR: world.freshFolder(),
    API_PORT: String(apiPort),
  };
  return {
    recorder,
    databaseUrl,
    projectId,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    env,
    start: (other = {}) =>
      world.ends(new ServiceProcess("start", { ...other, env: { ...env, ...other.env } })),
    allReceived: async () => {
      await waitUntil("the subscriber has everything", () =>
        Object.entries(world.pubsub.stats().subscriptions)
          .filter(
            ([name]) => name.startsWith(`projects/${projectId}/`) && name.endsWith(".recorder"),
          )
          .every(([, { unsettled }]) => unsettled === 0),
      );
    },
    deploymentSchemas: async () => {
      const rows = await world.query<{ name: string }>(
        databaseUrl,
        String.raw`select nspname as name from pg_namespace where nspname like 'escrow\_%' order by 1`,
      );
      return rows.map(({ name }) => name);
    },
  };
}
