import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Usage, watchUsage } from "../framework/process-usage.ts";
import type { Sample } from "../framework/run-in-turn.ts";
import { type BenchPostgres, query } from "../parts/start-database.ts";
import { type RunningPubsub, startPubsub } from "../parts/start-pubsub.ts";
import { type Backlog, makeBacklog } from "./backlog.ts";
import { TopicReader, type TopicVerdict } from "./read-topic.ts";
import type { Place, RelayContender } from "./relay-contender.ts";
import { untilSo } from "./until-so.ts";

/** What one drain of the backlog showed. */
export type Drain = Sample & { postgresCpuSeconds: number; pubsubCpuSeconds: number };

const LOOKS = { everyMs: 25 };

/** The surroundings of one run: a database with the backlog, a Pub/Sub with an empty topic. */
type Stage = { place: Place; pubsub: RunningPubsub; reader: TopicReader; end: () => Promise<void> };

/**
 * Lets a contender publish the backlog. The clock runs from when it is shown the work until the last
 * message is marked; then the topic must hold every event once and in order.
 *
 * @throws when it does not
 */
export async function drain(
  contender: RelayContender,
  postgres: BenchPostgres,
  backlog: Backlog,
  folder: string,
): Promise<Drain> {
  const stage = await setUp(contender, postgres, backlog, folder);
  const { place, pubsub } = stage;
  try {
    const children = await contender.start(place);
    const endWatches = [
      watchAll(children.map(({ pid }) => pid)),
      watchAll([postgres.pid]),
      watchAll([pubsub.child.pid]),
    ];
    await contender.begin(place, children);
    const startedMs = performance.now();
    await untilSo(place.databaseUrl, children, contender.isDone, LOOKS);
    const seconds = (performance.now() - startedMs) / 1000;
    const [own, ofPostgres, ofPubsub] = await Promise.all(endWatches.map((end) => end()));
    for (const child of children) await child.end("SIGTERM");
    const verdict = await judge(stage);
    if (verdict.lost + verdict.duplicated + verdict.reordered > 0)
      throw new Error(`${contender.name} without any disturbance: ${JSON.stringify(verdict)}`);
    return {
      seconds,
      units: backlog.messages,
      cpuSeconds: own?.cpuSeconds ?? Number.NaN,
      peakMemoryMb: own?.peakMemoryMb ?? Number.NaN,
      postgresCpuSeconds: ofPostgres?.cpuSeconds ?? Number.NaN,
      pubsubCpuSeconds: ofPubsub?.cpuSeconds ?? Number.NaN,
    };
  } finally {
    await stage.end();
  }
}

/**
 * Kills a contender with SIGKILL at even parts of its way and starts it again, and tells what the
 * topic holds in the end. Its time counts for nothing.
 */
export async function drainWithKills(
  contender: RelayContender,
  postgres: BenchPostgres,
  backlog: Backlog,
  folder: string,
  kills: number,
): Promise<TopicVerdict> {
  const stage = await setUp(contender, postgres, backlog, folder);
  const { place, pubsub } = stage;
  try {
    let children = await contender.start(place);
    await contender.begin(place, children);
    for (let kill = 1; kill <= kills; kill++) {
      const due = (backlog.messages * kill) / (kills + 1);
      while ((await accepted(pubsub)) < due) {
        const how = children.map((child) => child.howEnded()).find((each) => each !== null);
        if (how) throw new Error(`${contender.name} ended by itself: ${how}`);
        await setTimeout(1);
      }
      await Promise.all(children.map((child) => child.end("SIGKILL")));
      children = await contender.restart(place);
    }
    await untilSo(place.databaseUrl, children, contender.isDone, LOOKS);
    for (const child of children) await child.end("SIGTERM");
    return await judge(stage);
  } finally {
    await stage.end();
  }
}

async function setUp(
  contender: RelayContender,
  postgres: BenchPostgres,
  backlog: Backlog,
  folder: string,
): Promise<Stage> {
  const databaseUrl = await postgres.createDatabase();
  await makeBacklog(databaseUrl, backlog);
  const pubsub = await startPubsub(join(folder, `pubsub-${randomUUID()}`));
  const topic = "bench";
  const env = { ...process.env, ...pubsub.env };
  const place = { databaseUrl, topic, env, backlog };
  const reader = new TopicReader(pubsub.host, topic);
  await reader.create(true);
  await contender.prepare(place);
  await query(databaseUrl, "checkpoint");
  const end = async (): Promise<void> => {
    await reader.close();
    await pubsub.child.end();
    await postgres.dropDatabase(databaseUrl);
  };
  return { place, pubsub, reader, end };
}

async function judge({ place, reader }: Stage): Promise<TopicVerdict> {
  return await reader.judge(
    await query(place.databaseUrl, "select event_id, n::int as n, key from backlog"),
  );
}

/** Messages that Pub/Sub accepted so far. */
async function accepted({ child }: RunningPubsub): Promise<number> {
  child.process.send("count");
  return (await child.message<{ published: number }>()).published;
}

function watchAll(pids: number[]): () => Promise<Usage> {
  const watches = pids.map((pid) => watchUsage(pid));
  return async () => {
    const usages = await Promise.all(watches.map((end) => end()));
    return {
      cpuSeconds: usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
      // Of several instances the largest: each has a memory of its own to keep within.
      peakMemoryMb: Math.max(...usages.map(({ peakMemoryMb }) => peakMemoryMb)),
    };
  };
}
