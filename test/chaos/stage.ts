import type { SeededRandom } from "../../local/chain/seeded-random.ts";
import type { ChaosWorld } from "./chaos-world.ts";
import type { Fleet, Member } from "./fleet.ts";
import type { Ledger } from "./ledger.ts";
import type { OutboxWriter } from "./outbox-writer.ts";
import type { PublishFaults } from "./publish-faults.ts";
import type { TopicObserver } from "./topic-observer.ts";

/** Everything that a fault may lay hands on. */
export type Stage = {
  world: ChaosWorld;
  relays: Fleet;
  ledger: Ledger;
  observers: TopicObserver[];
  writer: OutboxWriter;
  publishing: PublishFaults;
  random: SeededRandom;
};

/** A fault that the suite knows. */
export type Fault = {
  name: string;
  /** @returns how many times it took effect; 0 when the occasion did not come */
  inject(stage: Stage): Promise<number>;
};

/** A relay, if one is running at this moment. */
export function anyRelay({ relays, random }: Stage): Member | null {
  return relays.members.length === 0 ? null : random.pick(relays.members);
}
