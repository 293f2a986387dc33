import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import { loseResponse } from "./faults-of-publishing.ts";
import type { Fleet, Member } from "./fleet.ts";
import { LEDGER_POINTS } from "./ledger.ts";
import { isBarrier, topicKeyOf } from "./publish-faults.ts";
import { LEASE_MS, PUBLISH_TIMEOUT_MS, REQUEST_LIFE_MS } from "./settings.ts";
import { anyRelay, type Fault, type Stage } from "./stage.ts";

/** Long enough for others to take over, find out and go on. */
const PAUSE_MS = LEASE_MS + REQUEST_LIFE_MS + 1_500;
const OCCASION_MS = 6_000;
/** How long the successor's request is under way: less than its timeout. */
const HELD_MS = PUBLISH_TIMEOUT_MS - 100;

/** Faults that pause a relay: the only ones after which a copy on the topic can be physics. */
export const FAULTS_OF_PROCESSES: readonly Fault[] = [
  {
    name: "SIGSTOP longer than the lease, then SIGCONT",
    async inject(stage) {
      const relay = anyRelay(stage);
      if (relay === null) return 0;
      return pause(stage.relays, relay, PAUSE_MS);
    },
  },
  ...["after:claim", "before:send", "after:send", "before:mark"].map(
    (point): Fault => ({
      name: `SIGSTOP ${point}, then SIGCONT`,
      inject: (stage) => freezeAt(stage, point),
    }),
  ),
  {
    name: "SIGSTOP before:resolve, then SIGCONT",
    async inject(stage) {
      const [times] = await Promise.all([
        // Only a leader resolves.
        Promise.all(stage.relays.members.map((relay) => freezeAt(stage, "before:resolve", relay))),
        stage.publishing.befall(this.name, loseResponse, { forMs: 300 }),
      ]);
      return times.reduce((sum, each) => sum + each, 0);
    },
  },
  {
    name: "SIGSTOP after claim, woken into the takeover",
    inject: wakeIntoTakeover,
  },
  {
    name: "SIGTERM: leases handed over",
    async inject(stage) {
      const relay = anyRelay(stage);
      if (relay === null) return 0;
      relay.child.kill("SIGTERM");
      return (await stage.relays.isGone(relay, OCCASION_MS)) ? 1 : 0;
    },
  },
  {
    name: "SIGKILL of the consumer",
    async inject({ ledger: { processes }, random }) {
      const [consumer] = processes.members;
      if (consumer === undefined) return 0;
      const point = random.pick(LEDGER_POINTS);
      const nth = random.integer(1, 4);
      void processes.inject(consumer, { kind: "die", point, nth }, OCCASION_MS);
      return (await processes.isGone(consumer, OCCASION_MS)) ? 1 : 0;
    },
  },
  {
    name: "answer to the consumer's commit lost",
    async inject({ ledger: { processes } }) {
      const [consumer] = processes.members;
      if (consumer === undefined) return 0;
      const fault = { kind: "lost-acknowledgement", statement: "effect-commit" } as const;
      return processes.inject(consumer, fault, OCCASION_MS);
    },
  },
];

async function pause(relays: Fleet, relay: Member, forMs: number): Promise<number> {
  relays.spare(relay);
  relays.pause(relay);
  await setTimeout(forMs);
  relays.wakeUp(relay);
  relays.unspare(relay);
  return 1;
}

/** The process stops itself at a point; others take over; it goes on where it was. */
async function freezeAt(
  stage: Stage,
  point: string,
  relay: Member | null = anyRelay(stage),
): Promise<number> {
  const { relays } = stage;
  if (relay === null) return 0;
  relays.spare(relay);
  const times = await relays.inject(relay, { kind: "freeze", point }, OCCASION_MS);
  if (times > 0) await setTimeout(PAUSE_MS);
  relays.wakeUp(relay);
  relays.unspare(relay);
  return times;
}

/** It wakes just when its successor's request for the very same messages is under way. */
async function wakeIntoTakeover(stage: Stage): Promise<number> {
  const { relays, publishing, world, writer } = stage;
  const relay = anyRelay(stage);
  if (relay === null) return 0;
  relays.spare(relay);
  const topics = await topicsById(world.pool);
  const claimed = new Set<string>();
  relays.onClaimed = (member, keys) => {
    if (member !== relay) return;
    writer.isHeld = true;
    for (const key of keys) claimed.add(key.replace(/^\d+/, (id) => topics.get(id) ?? id));
  };
  try {
    const times = await relays.inject(relay, { kind: "freeze", point: "after:claim" }, OCCASION_MS);
    const woken = await publishing.befall(
      "woken into the takeover",
      async (_, accept) => {
        relays.wakeUp(relay);
        await setTimeout(HELD_MS);
        return accept();
      },
      {
        forMs: 0,
        atMostMs: times > 0 ? 2 * PAUSE_MS : 0,
        applies: (request) =>
          !isBarrier(request) &&
          claimed.has(topicKeyOf(request)) &&
          relays.senderOf(topicKeyOf(request)) !== relay,
      },
    );
    return woken > 0 ? 1 : 0;
  } finally {
    // It may come by the point later, when nobody is waiting for it any more.
    relays.onClaimed = () => undefined;
    writer.isHeld = false;
    relays.wakeUp(relay);
    relays.unspare(relay);
  }
}

async function topicsById(pool: pg.Pool): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ id: number; topic: string }>(
    "select id, topic from relay.publication",
  );
  return new Map(rows.map(({ id, topic }) => [String(id), topic]));
}
