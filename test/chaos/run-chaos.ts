import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isTransient } from "@escrow-stream/consumer";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { ChaosWorld } from "./chaos-world.ts";
import { EscrowStory } from "./escrow-story.ts";
import { FaultDeck } from "./fault-deck.ts";
import { Fleet } from "./fleet.ts";
import { judgeJournal } from "./judge-journal.ts";
import { judgeLedger } from "./judge-ledger.ts";
import { judgeTopic } from "./judge-topic.ts";
import { killAtAcceptance } from "./kill-at-acceptance.ts";
import { KillPolicy } from "./kill-policy.ts";
import { Ledger } from "./ledger.ts";
import { OutboxWriter } from "./outbox-writer.ts";
import { PublishFaults } from "./publish-faults.ts";
import { readExpected } from "./read-expected.ts";
import { relayEnvironment } from "./relay-environment.ts";
import { TOPICS } from "./settings.ts";
import type { Fault, Stage } from "./stage.ts";
import { TopicObserver } from "./topic-observer.ts";
import { allWrongs, isClean, type Verdict } from "./verdict.ts";

export type ChaosOptions = {
  kills: number;
  seed: number;
  /** At the least; more when the kills take longer. */
  events: number;
  relays: number;
  /** Where to kill; everywhere when left out. */
  killPoints?: readonly string[];
  /** What to inject, besides kills, and how often each; once when left out. */
  faults: Fault[];
  timesEach?: number;
  /** Where the relay and the consumer under test lie. */
  root: string;
  /** End as soon as a subscriber has seen something twice. */
  failFast: boolean;
  /** Keep logs and data when something is wrong. */
  keepEvidence: boolean;
  /** How long nothing may move, while something is left to publish. */
  stallMs: number;
  progress: (line: string) => void;
  /** Ends the run early, and judges what there is. */
  signal?: AbortSignal;
};

export type ChaosReport = {
  verdict: Verdict;
  /** What is wrong with the journal. */
  journal: string[];
  /** Copies that paused processes left, at the plain subscriber. */
  excused: string[];
  kills: ReadonlyMap<string, number>;
  faults: ReadonlyMap<string, number>;
  events: number;
  messages: number;
  redelivered: number;
  relaysStarted: number;
  /** Relays that ended without being told to, as when their database is away at their start. */
  relaysEnded: number;
  seconds: number;
  /** Where the logs and the data lie; kept only when something is wrong. */
  folder: string;
};

const AHEAD_EVENTS = 100;
const WRITE_EVERY_MS = 200;
const REPORT_EVERY_MS = 15_000;

/**
 * Runs relays under faults on a stream of events, then lets them finish and judges what the
 * world was told.
 *
 * @throws when the suite itself cannot work
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const startedMs = performance.now();
  const { kills, killPoints, seed, relays, faults, root, failFast, progress } = options;
  const random = new SeededRandom(`chaos/${seed}`);
  const publishing = new PublishFaults(() => random.integer(0, 999_999) / 1_000_000);
  const world = await ChaosWorld.create(publishing);
  const writer = new OutboxWriter(world.pool, new EscrowStory(new SeededRandom(`story/${seed}`)));
  await writer.createTables();
  const env = relayEnvironment(world);
  const observers = await Promise.all(TOPICS.map((topic) => TopicObserver.start(world, topic)));
  const received = (): number => observers.reduce((sum, { events }) => sum + events, 0);
  const policy = new KillPolicy(new SeededRandom(`kills/${seed}`), kills, received, killPoints);
  const ledger = await Ledger.start(world, root, env);
  const fleet = new Fleet({
    script: join(root, "test/chaos/relay-process.ts"),
    env: () => env,
    logFolder: world.folder,
    name: "relay",
    size: relays,
    nextDeath: () => policy.forWorker(),
    leaderDeath: () => policy.forLead(),
    onKilled: (point) => policy.count(point),
  });
  killAtAcceptance(publishing, fleet);
  const stage: Stage = { world, relays: fleet, ledger, observers, writer, publishing, random };
  const deck = new FaultDeck(faults, stage, options.timesEach ?? 1);
  let isWrong = true;
  try {
    const isSpoiled = (): boolean =>
      options.signal?.aborted === true || (failFast && observers.some(({ copies }) => copies > 0));
    const isStalled = stallWatch(() => policy.total + deck.injected + received(), options.stallMs);
    const isOver = (): boolean =>
      isSpoiled() ||
      isStalled() ||
      (policy.isDone && deck.isDone && writer.events >= options.events);
    const reporting = setInterval(() => {
      const seconds = Math.round((performance.now() - startedMs) / 1_000);
      progress(
        `${seconds} s: ${policy.total} of ${kills} kills, ${deck.injected} other faults, ` +
          `${writer.events} events, ${observers.map(({ events }) => events).join(" and ")} received${minutesLeft(policy.total, kills, seconds)}`,
      );
    }, REPORT_EVERY_MS);
    try {
      await Promise.all([write(stage, isOver), deck.play(isOver), untilOver(isOver)]);
      fleet.letLive();
      await finish(stage, options.stallMs, isSpoiled);
    } finally {
      clearInterval(reporting);
    }
    const expected = await readExpected(world.pool);
    const excused: string[] = [];
    const verdicts = observers.map(({ topic, arrivals, changed }) => {
      const verdict = judgeTopic(topic, arrivals, changed, expected, ({ attributes }) =>
        fleet.excusable.has(`${topic} ${attributes.event_id}`),
      );
      excused.push(...verdict.excused);
      return verdict;
    });
    const verdict = allWrongs([...verdicts, await judgeLedger(world.pool, expected)]);
    const journal = await judgeJournal(world.pool);
    isWrong = !isClean(verdict) || journal.length > 0;
    return {
      verdict,
      journal,
      excused,
      kills: policy.counts,
      faults: deck.counts,
      events: writer.events,
      messages: observers.reduce((sum, { arrivals }) => sum + arrivals.length, 0),
      redelivered: observers.reduce((sum, { redelivered }) => sum + redelivered, 0),
      relaysStarted: fleet.started,
      relaysEnded: fleet.endedByThemselves,
      seconds: (performance.now() - startedMs) / 1_000,
      folder: world.folder,
    };
  } finally {
    await Promise.all([fleet.end(), ledger.processes.end()]);
    await Promise.all(observers.map((observer) => observer.stop()));
    await world.end(isWrong && options.keepEvidence);
  }
}

/** Keeps the relays busy, and not more than that: whoever has nothing to do reaches no point. */
async function write({ writer, observers }: Stage, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const received = Math.min(...observers.map(({ events }) => events));
    // A database that is away just now is one of the faults.
    if (!writer.isHeld && writer.events - received < AHEAD_EVENTS)
      await writer.appendBlock().catch((error) => {
        if (!isTransient(error)) throw error;
      });
    await setTimeout(WRITE_EVERY_MS);
  }
}

/** An estimate, as long as there is one. */
function minutesLeft(done: number, wanted: number, seconds: number): string {
  if (done === 0 || done >= wanted) return "";
  return `, about ${Math.ceil(((wanted - done) * seconds) / done / 60)} min to go`;
}

/** True when a count has not moved for some time. */
function stallWatch(count: () => number, stallMs: number): () => boolean {
  let last = -1;
  let movedAtMs = 0;
  return () => {
    const now = count();
    if (now !== last) movedAtMs = performance.now();
    last = now;
    return performance.now() - movedAtMs > stallMs;
  };
}

async function untilOver(isOver: () => boolean): Promise<void> {
  while (!isOver()) await setTimeout(50);
}

/** Waits until everything was told, or nothing moves any more. */
async function finish(
  { writer, world, ledger, observers }: Stage,
  stallMs: number,
  isSpoiled: () => boolean,
): Promise<void> {
  let lastState = "";
  let movedAtMs = performance.now();
  while (performance.now() - movedAtMs < stallMs && !isSpoiled()) {
    let left: string[] = [];
    try {
      await writer.finalizeAll();
      left = await judgeJournal(world.pool);
    } catch (error) {
      left = [String(error)];
    }
    const subscriptions = [
      ...observers.map(({ subscription }) => subscription),
      ledger.subscription,
    ];
    const unsettled = subscriptions.map((each) => world.unsettled(each));
    if (left.length === 0 && unsettled.every((count) => count === 0)) return;
    const state = JSON.stringify([left, unsettled, observers.map(({ events }) => events)]);
    if (state !== lastState) movedAtMs = performance.now();
    lastState = state;
    await setTimeout(200);
  }
}
