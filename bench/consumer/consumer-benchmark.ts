import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { defineBenchmark } from "../framework/benchmark.ts";
import { forkChild } from "../framework/child.ts";
import { watchUsage } from "../framework/process-usage.ts";
import { runInTurn, type Sample, seriesTable } from "../framework/run-in-turn.ts";
import { type BenchPostgres, startDatabase } from "../parts/start-database.ts";
import { startPubsub } from "../parts/start-pubsub.ts";
import { fillSubscription, SUBSCRIPTION } from "./fill-subscription.ts";

const WAYS = ["runConsumer", "applyOnce", "insert"] as const;
const LOOK_EVERY_MS = 25;

type Way = (typeof WAYS)[number];

/** How fast messages are applied exactly once, against a plain insert. */
export const consumerBenchmark = defineBenchmark({
  title: "messages from a subscription into a table, each once",
  needsContenders: false,
  options: {
    keys: { full: 2_000, quick: 50, says: "ordering keys" },
    "per-key": { full: 10, quick: 10, says: "messages of each key" },
  },
  run: async (run) => {
    const { keys, "per-key": perKey } = run.options;
    const postgres = await startDatabase(run.folder);
    let folders = 0;
    const series = await runInTurn(
      WAYS.map((way) => ({
        name: way,
        run: () => consume(way, postgres, join(run.folder, `pubsub-${++folders}`), keys, perKey),
      })),
      run,
    );
    const title = `${(keys * perKey).toLocaleString("en-US")} messages over ${keys.toLocaleString("en-US")} keys`;
    return {
      tables: [
        seriesTable(title, "messages", series, [
          "`runConsumer`: the library's runner. `applyOnce`: its function, in a transaction per message. `insert`: one statement per message with a unique event id, which checks neither order nor gaps.",
          "8 connections and 1,000 messages in hand for each; the effect is one row.",
        ]),
      ],
      raw: series,
    };
  },
});

async function consume(
  way: Way,
  postgres: BenchPostgres,
  pubsubDir: string,
  keys: number,
  perKey: number,
): Promise<Sample> {
  const databaseUrl = await postgres.createDatabase();
  const pubsub = await startPubsub(pubsubDir);
  await fillSubscription(pubsub.host, keys, perKey);
  const child = forkChild(join(import.meta.dirname, "consumer-process.ts"), [], {
    env: { ...process.env, ...pubsub.env, DATABASE_URL: databaseUrl, WAY: way, SUBSCRIPTION },
  });
  await child.message();
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  const endWatch = watchUsage(child.pid);
  const startedMs = performance.now();
  child.process.send("begin");
  while ((await countApplied(pool)) < keys * perKey) await setTimeout(LOOK_EVERY_MS);
  const seconds = (performance.now() - startedMs) / 1000;
  const usage = await endWatch();
  if (way !== "insert") await checkMarks(pool, keys, perKey);
  await child.end();
  await pool.end();
  await pubsub.child.end();
  await postgres.dropDatabase(databaseUrl);
  return { ...usage, seconds, units: keys * perKey };
}

async function countApplied(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query("select count(*)::int as n from applied");
  return rows[0].n;
}

/** @throws unless the mark of every key is at its last message */
async function checkMarks(pool: pg.Pool, keys: number, perKey: number): Promise<void> {
  const { rows } = await pool.query(
    "select count(*)::int as n from consumer.high_water_mark where sequence = $1 and parked = 0",
    [perKey],
  );
  if (rows[0].n !== keys) throw new Error(`${rows[0].n} of ${keys} keys are at their last message`);
}
