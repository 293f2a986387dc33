import { expectedMessages } from "../support/expected-messages.ts";
import { FINAL_TOPIC, LATEST_TOPIC } from "../support/test-world.ts";
import type { Received, TopicRecorder } from "../support/topic-recorder.ts";
import type { LieVerdict } from "./lie-verdict.ts";
import type { LiedChain } from "./lied-chain.ts";

/** Compares what came of one chain with what the chain has, message by message and in the end. */
export class TopicsJudge {
  readonly #lied: LiedChain;
  readonly #recorder: TopicRecorder;
  readonly #read = { [LATEST_TOPIC]: 0, [FINAL_TOPIC]: 0 };
  readonly #sequences = new Map<string, number>();

  constructor(lied: LiedChain, recorder: TopicRecorder) {
    this.#lied = lied;
    this.#recorder = recorder;
  }

  /** Judges what came since the last call, knowing all that ever was on the chain. */
  read(verdict: LieVerdict): void {
    for (const topic of [LATEST_TOPIC, FINAL_TOPIC] as const) {
      const all = this.#on(topic);
      for (const message of all.slice(this.#read[topic])) this.#judge(topic, message, verdict);
      this.#read[topic] = all.length;
    }
  }

  /** What a topic lacks of the chain's events, and what stands on it that the chain has not. */
  async open(topic: string): Promise<{ missing: number; surplus: number }> {
    const wanted = new Set(await this.#lied.note());
    const standing = this.#standing(topic);
    return {
      missing: [...wanted].filter((id) => !standing.has(id)).length,
      surplus: [...standing].filter((id) => !wanted.has(id)).length,
    };
  }

  /** The final topic has to be what the chain's own logs call for, attributes and order included. */
  async finalDiffers(): Promise<number> {
    const wanted = await expectedMessages(this.#lied.chain, FINAL_TOPIC);
    const given = this.#on(FINAL_TOPIC);
    return wanted.filter((message) => {
      const same = given.filter(
        ({ attributes }) => attributes.event_id === message.attributes.event_id,
      );
      return same.length !== 1 || !isSame(message, same[0] as Received);
    }).length;
  }

  #on(topic: string): Received[] {
    const chainId = String(this.#lied.chain.chainId);
    return this.#recorder.on(topic).filter(({ attributes }) => attributes.chain_id === chainId);
  }

  #judge(topic: string, { attributes, body, orderingKey }: Received, verdict: LieVerdict): void {
    const key = `${topic} ${orderingKey}`;
    const sequence = (this.#sequences.get(key) ?? 0) + 1;
    this.#sequences.set(key, sequence);
    if (attributes.sequence !== String(sequence)) verdict.differing += 1;
    if (attributes.event_type === "EventRetracted") {
      const hash = attributes.retracts?.split("-")[1] ?? "";
      if (topic === FINAL_TOPIC || !this.#lied.dropped.has(hash)) verdict.falseRetractions += 1;
      return;
    }
    const wanted = this.#lied.ever.get(eventIdOf(body));
    if (wanted === undefined) verdict.invented += 1;
    else if (wanted !== body) verdict.differing += 1;
  }

  /** Events that were announced and not retracted. */
  #standing(topic: string): Set<string> {
    const standing = new Map<string, string>();
    for (const { attributes, body } of this.#on(topic))
      if (attributes.event_type === "EventRetracted") standing.delete(attributes.retracts ?? "");
      else standing.set(attributes.event_id ?? "", eventIdOf(body));
    return new Set(standing.values());
  }
}

function eventIdOf(body: string): string {
  return String((JSON.parse(body) as { event_id?: unknown }).event_id);
}

/** Attributes have no order. */
function isSame(a: Received, b: Received): boolean {
  const facts = ({ orderingKey, body, attributes }: Received): string =>
    JSON.stringify([orderingKey, body, Object.entries(attributes).sort()]);
  return facts(a) === facts(b);
}
