import { join } from "node:path";
import { freePort } from "../../local/free-port.ts";
import { type Child, forkChild, spawnChild } from "../framework/child.ts";
import { CONTENDERS, UNPATCHED_PONDER } from "../framework/contender-packages.ts";
import { query } from "../parts/start-database.ts";
import { EngineState } from "./engine-state.ts";
import type { Indexer, RunningIndexer } from "./indexer.ts";
import type { Place } from "./place.ts";
import { type FactTables, readFacts } from "./read-facts.ts";

const ROOT = join(import.meta.dirname, "../..");
const PLAIN_APP = join(CONTENDERS, "plain-ponder");
const PLAIN_SCHEMA = "plain";

/** An option of Node that leaves the verified source out of an indexer. */
export const ASKS_DIRECTLY = `--import=${join(import.meta.dirname, "../source/ask-directly.ts")}`;

/** An indexer that can be asked how far it is. */
export type RunningEngine = RunningIndexer & { state: EngineState; schema: string };

/** This project's indexer, as `npm run indexer` starts it. */
export const ESCROW_STREAM = ourIndexer("escrow-stream");

/** The same, but its engine asks the node itself and believes it. */
export const WITHOUT_SOURCE = ourIndexer("without the verified source", [ASKS_DIRECTLY]);

/** An unpatched Ponder with an event and a state per log, its one endpoint at its own pace. */
export const PLAIN_PONDER: Indexer = {
  name: "plain ponder",
  start: async (place) => {
    const port = String(await freePort());
    const child = spawnChild(
      process.execPath,
      [UNPATCHED_PONDER, "start", "--root", PLAIN_APP, "--schema", PLAIN_SCHEMA, "--port", port],
      {
        cwd: PLAIN_APP,
        env: {
          ...process.env,
          DATABASE_URL: place.databaseUrl,
          RPC_URL: place.rpcUrl,
          CHAIN_ID: String(place.chainId),
          FACTORY_A: place.factories.A,
          FACTORY_B: place.factories.B,
          PONDER_TELEMETRY_DISABLED: "true",
          PONDER_LOG_LEVEL: "error",
        },
      },
    );
    return running(child, place, [PLAIN_SCHEMA], {
      events: `${PLAIN_SCHEMA}.event`,
      escrowColumn: "escrow",
      escrows: `${PLAIN_SCHEMA}.escrow`,
      addressColumn: "address",
    });
  },
};

function ourIndexer(name: string, execArgv: string[] = []) {
  return {
    name,
    start: async (place: Place): Promise<RunningEngine> => {
      const child = forkChild(join(ROOT, "cli/indexer.ts"), [], {
        env: { ...process.env, ...ourEnvironment(place), PONDER_LOG_LEVEL: "error" },
        stdio: ["ignore", 2, 2, "ipc"],
        execArgv,
      });
      // It says where it will write before it begins.
      const { schema } = await child.message<{ schema: string }>();
      return running(child, place, [schema, "escrow"], {
        events: `"${schema}".event`,
        escrowColumn: "stream",
        escrows: `"${schema}".escrow`,
        addressColumn: "address",
        // The others ask no contract.
        arbiter: `case when revision = 'B' or address in (
                    select stream from "${schema}".event where type = 'ArbiterChanged')
                  then arbiter end`,
        faults: `select abs(o.count - s.events) + s.anomalies + abs(m.count - s.escrows)
                 from "${schema}".chain_stat s, (select count(*) from "${schema}".outbox) as o,
                      (select sum(deployed_count) as count from "${schema}".settlement_minute) as m`,
      });
    },
  } satisfies Indexer;
}

/** The environment of every process of ours on a place. */
export function ourEnvironment(place: Place): Record<string, string> {
  const deployment = {
    name: "bench",
    chainId: place.chainId,
    factories: (["A", "B"] as const).map((revision) => ({
      address: place.factories[revision],
      startBlock: 1,
      revision,
    })),
  };
  return {
    DATABASE_URL: place.databaseUrl,
    DEPLOYMENTS: JSON.stringify([deployment]),
    [`RPC_URL_${place.chainId}`]: place.rpcUrl,
    RPC_REQUESTS_PER_SECOND: String(place.requestsPerSecond),
    POLL_INTERVAL_SECONDS: "0.1",
    PONDER_TELEMETRY_DISABLED: "true",
  };
}

async function running(
  child: Child,
  { databaseUrl }: Place,
  schemas: string[],
  tables: FactTables,
): Promise<RunningEngine> {
  const [schema = ""] = schemas;
  const state = await EngineState.connect(databaseUrl, schema);
  return {
    ...{ child, state, schema },
    hasBegun: () => state.hasBegun(),
    isReady: () => state.isReady(),
    facts: () => readFacts(databaseUrl, tables),
    remove: async () => {
      await child.end("SIGKILL");
      await state.end();
      for (const each of schemas)
        await query(databaseUrl, `drop schema if exists "${each}" cascade`);
    },
  };
}
