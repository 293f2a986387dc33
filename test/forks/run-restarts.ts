import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { waitForViews } from "../../engine/ensure-views.ts";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { expectedIds, expectedMessages } from "../support/expected-messages.ts";
import { realService } from "../support/real-service.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";
import { compareMessages, type MessageDifferences } from "./compare-messages.ts";
import { countByGraphql, countBySql, EscrowCounts } from "./escrow-counts.ts";
import { RestartableService } from "./restartable-service.ts";

export type RestartOptions = {
  restarts: number;
  seed: number;
  progress: (line: string) => void;
  /** Given what ends everything that runs, for whoever does not want to wait. */
  onStart?: (end: () => Promise<void>) => void;
};

export type RestartReport = MessageDifferences & {
  restarts: number;
  messages: number;
  retractions: number;
  /** How often a client that polls GraphQL, and one that polls SQL, saw the number fall. */
  falls: number;
  sqlFalls: number;
  graphql: Polled;
  sql: Polled;
  seconds: number;
};

type Polled = { answers: number; refused: number; longestSilenceMs: number };

const CHAIN_ID = 41_005;
const BETWEEN_DEALS_MS = 1_000;
/** A machine may be busy with other things while the engine starts. */
const PATIENCE_MS = 600_000;

/**
 * Kills the engine (`kill -9`) beside a running relay and API again and again while escrows are made, approved
 * and released, and compares what subscribers got with what the chain holds.
 *
 * @throws when the suite itself cannot work
 */
export async function runRestarts(options: RestartOptions): Promise<RestartReport> {
  const { restarts, seed, progress } = options;
  const startedMs = performance.now();
  const random = new SeededRandom(`restarts/${seed}`);
  const world = await TestWorld.create();
  options.onStart?.(() => world.end());
  let pool: pg.Pool | null = null;
  try {
    const chain = world.ends(await TestChain.start(CHAIN_ID));
    const { recorder, apiUrl, databaseUrl, env, allReceived } = await realService(world, chain);
    const engine = world.ends(
      new RestartableService("indexer", env, () => releaseAll(databaseUrl)),
    );
    engine.start();
    world.ends(new ServiceProcess("relay", { env }));
    await waitForViews(databaseUrl, new AbortController().signal);
    world.ends(new ServiceProcess("api", { env }));
    const traffic = world.ends(new Traffic(chain));
    const counts = world.ends(new EscrowCounts(() => countByGraphql(`${apiUrl}/graphql`)));
    pool = new pg.Pool({ connectionString: databaseUrl });
    pool.on("error", () => undefined);
    const database = pool;
    const sqlCounts = world.ends(new EscrowCounts(() => countBySql(database)));
    await waitUntil("escrows are counted", () => counts.last > 2, PATIENCE_MS);
    for (let killed = 1; killed <= restarts; killed++) {
      // Most die at work, some while they still index again what the last one's death reverted.
      await setTimeout(random.integer(0, 2_000));
      await engine.kill();
      engine.start();
      if (killed < restarts && random.chance(0.3)) continue;
      const before = counts.last;
      await waitUntil("new escrows are counted", () => counts.last > before, PATIENCE_MS);
      progress(
        `${killed} restarts, ${counts.last} escrows, ${counts.falls + sqlCounts.falls} falls`,
      );
    }
    await traffic.stop();
    await counts.stop();
    await sqlCounts.stop();
    await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain), PATIENCE_MS);
    await chain.makeFinal();
    await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain), PATIENCE_MS);
    await allReceived();
    const differences = await Promise.all(
      [LATEST_TOPIC, FINAL_TOPIC].map(async (topic) =>
        compareMessages(recorder.on(topic), await expectedMessages(chain, topic)),
      ),
    );
    const [row] = await world.query<{ retractions: number }>(
      databaseUrl,
      "select count(*)::int as retractions from relay.message where kind = 'retraction'",
    );
    const total = (name: keyof MessageDifferences): number =>
      differences.reduce((sum, each) => sum + each[name], 0);
    return {
      restarts,
      messages: recorder.on(LATEST_TOPIC).length + recorder.on(FINAL_TOPIC).length,
      retractions: row?.retractions ?? -1,
      lost: total("lost"),
      repeated: total("repeated"),
      differing: total("differing"),
      reordered: total("reordered"),
      falls: counts.falls,
      sqlFalls: sqlCounts.falls,
      graphql: polled(counts),
      sql: polled(sqlCounts),
      seconds: (performance.now() - startedMs) / 1_000,
    };
  } finally {
    await pool?.end();
    await world.end();
  }
}

function polled({ answers, refused, longestSilenceMs }: EscrowCounts): Polled {
  return { answers, refused, longestSilenceMs };
}

/** The engine keeps others out of its schema for 25 s after it was killed. */
async function releaseAll(databaseUrl: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  const { rows } = await pool.query<{ schema: string }>(
    String.raw`select schemaname as schema from pg_tables
               where tablename = '_ponder_meta' and schemaname like 'escrow\_%'`,
  );
  for (const { schema } of rows)
    await pool.query(
      `update "${schema}"._ponder_meta set value = jsonb_set(value, '{is_locked}', '0')
       where key = 'app'`,
    );
  await pool.end();
}

/** People who make deals until they are stopped. */
class Traffic {
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(chain: TestChain) {
    this.#running = this.#run(chain);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(chain: TestChain): Promise<void> {
    while (!this.#isStopped) {
      await chain.makeDeals();
      await setTimeout(BETWEEN_DEALS_MS);
    }
  }
}
