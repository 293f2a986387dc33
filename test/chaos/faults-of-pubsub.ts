import { setTimeout } from "node:timers/promises";
import { FINAL_TOPIC } from "./settings.ts";
import { anyRelay, type Fault, type Stage } from "./stage.ts";
import type { TopicObserver } from "./topic-observer.ts";

const DRAIN_MS = 15_000;
const HEARD_MS = 20_000;

/** What may happen to the service behind the requests. */
export const FAULTS_OF_PUBSUB: readonly Fault[] = [
  {
    name: "Pub/Sub restarted",
    async inject({ world }) {
      await world.restartPubsub();
      return 1;
    },
  },
  {
    name: "topic deleted and created again",
    async inject(stage) {
      const observer = stage.random.pick(stage.observers);
      return await recreateTopic(stage, observer);
    },
  },
  {
    name: "acknowledged messages redelivered",
    async inject({ world, observers, ledger }) {
      const before = redeliveries(observers);
      for (const { subscription } of [...observers, ledger])
        await world.redeliver(subscription, 10);
      for (let tries = 0; tries < 100 && redeliveries(observers) === before; tries++)
        await setTimeout(50);
      return redeliveries(observers) - before;
    },
  },
  {
    name: "receipts unreadable",
    async inject(stage) {
      const times = await Promise.all(
        stage.relays.members.map((relay) =>
          stage.relays.inject(relay, { kind: "receipts-unreadable", forMs: 3_000 }, 3_000),
        ),
      );
      return times.reduce((sum, each) => sum + each, 0);
    },
  },
  {
    name: "clock an hour ahead",
    inject: (stage) => jump(stage, 3_600_000),
  },
  {
    name: "clock an hour behind",
    inject: (stage) => jump(stage, -3_600_000),
  },
];

async function jump(stage: Stage, byMs: number): Promise<number> {
  const relay = anyRelay(stage);
  if (relay === null) return 0;
  return stage.relays.inject(relay, { kind: "clock-jump", byMs }, 3_000);
}

function redeliveries(observers: TopicObserver[]): number {
  return observers.reduce((sum, { redelivered }) => sum + redelivered, 0);
}

/**
 * While the topic is away, and until the subscribers have subscribed to the new one, nobody can
 * publish to it: what subscribers cannot hear would not be the relay's fault.
 */
async function recreateTopic(
  { world, publishing, ledger }: Stage,
  observer: TopicObserver,
): Promise<number> {
  const { topic } = observer;
  // One that nobody has published to since it was last made has nothing to lose, and relays that
  // start need some time with a topic before they get to publish.
  if (!(await hearsSomething(observer))) return 0;
  const isOfTopic = (name: string): boolean => name.endsWith(`/${topic}`);
  publishing.close(topic);
  try {
    await world.deleteTopic(topic);
    const refused = await publishing.befall("topic deleted", (_, accept) => accept(), {
      forMs: 500,
      applies: (request) => isOfTopic(request.topic),
    });
    const isLedgers = topic === FINAL_TOPIC;
    const subscriptions = [observer.subscription, ...(isLedgers ? [ledger.subscription] : [])];
    for (let waitedMs = 0; waitedMs < DRAIN_MS; waitedMs += 50) {
      if (subscriptions.every((each) => world.unsettled(each) === 0)) break;
      await setTimeout(50);
    }
    await world.createTopic(topic);
    await observer.subscribeAgain();
    if (isLedgers) await ledger.subscribeAgain();
    return refused > 0 ? 1 : 0;
  } finally {
    publishing.open(topic);
  }
}

async function hearsSomething(observer: TopicObserver): Promise<boolean> {
  const before = observer.events;
  for (let waitedMs = 0; waitedMs < HEARD_MS && observer.events === before; waitedMs += 50)
    await setTimeout(50);
  return observer.events > before;
}
