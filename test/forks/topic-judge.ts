import { encodeMessage } from "../../src/outbox/encode-message.ts";
import type { Received } from "../support/topic-recorder.ts";
import { eventOf } from "./canonical-events.ts";
import { type Block, FINALITY_BLOCKS, type SimulatedChain } from "./simulated-chain.ts";

/** Whether a topic is final, or else how many confirmations it waits for. */
export type JudgedFinality = "final" | number;

type Key = {
  sequence: number;
  /** Announced and not retracted, in the order of announcement. */
  standing: Map<string, Block>;
};

/**
 * Judges a topic as a plain subscriber can, message by message in the order of arrival, knowing
 * every block that ever was:
 *
 * - each message id comes once, and the sequence of each key has no gap;
 * - each announcement is an event that some branch really had, with the bytes it calls for;
 * - at no time do two facts of a key stand that no single branch has: so no replacement comes
 *   before the retraction of what it replaces;
 * - none is told before its block has as many others on top of it as the topic asks for;
 * - each retraction retracts the last fact that stands on its key, whose block the chain did
 *   drop; a final topic retracts nothing.
 */
export class TopicJudge {
  readonly topic: string;
  readonly #finality: JudgedFinality;
  readonly #chains: ReadonlyMap<number, SimulatedChain>;
  readonly #keys = new Map<string, Key>();
  readonly #messageIds = new Set<string>();
  readonly #announced = new Map<string, number>();
  #problems: string[] = [];
  #read = 0;
  #retractions = 0;

  constructor(topic: string, finality: JudgedFinality, chains: readonly SimulatedChain[]) {
    this.topic = topic;
    this.#finality = finality;
    this.#chains = new Map(chains.map((chain) => [chain.chainId, chain]));
  }

  get retractions(): number {
    return this.#retractions;
  }

  /** Messages judged. */
  get messages(): number {
    return this.#read;
  }

  /** Judges what came since the last call. */
  read(received: readonly Received[]): void {
    for (const message of received.slice(this.#read)) this.#judge(message);
    this.#read = received.length;
  }

  /** What was wrong since the last call. */
  takeProblems(): string[] {
    return this.#problems.splice(0);
  }

  /** Event ids of a key that stand, in the order in which they were announced. */
  standing(orderingKey: string): string[] {
    return [...(this.#keys.get(orderingKey)?.standing.keys() ?? [])];
  }

  /** How many facts stand on the whole topic. */
  get standingFacts(): number {
    return [...this.#keys.values()].reduce((sum, { standing }) => sum + standing.size, 0);
  }

  #judge(message: Received): void {
    const { orderingKey, attributes } = message;
    const key = this.#keys.get(orderingKey) ?? { sequence: 0, standing: new Map() };
    this.#keys.set(orderingKey, key);
    const messageId = attributes.event_id ?? "";
    const problem = (what: string): void => {
      this.#problems.push(`${this.topic}: ${messageId} (${orderingKey}) ${what}`);
    };
    if (this.#messageIds.has(messageId)) problem("came twice");
    this.#messageIds.add(messageId);
    key.sequence += 1;
    if (attributes.sequence !== String(key.sequence))
      problem(`has sequence ${attributes.sequence} where ${key.sequence} was due`);
    if (attributes.event_type === "EventRetracted") this.#judgeRetraction(message, key, problem);
    else this.#judgeEvent(message, key, problem);
  }

  #judgeRetraction({ attributes }: Received, { standing }: Key, problem: Problem): void {
    this.#retractions += 1;
    if (this.#finality === "final") problem("retracts what was final");
    const retracts = attributes.retracts ?? "";
    const block = standing.get(retracts);
    if (block === undefined) problem(`retracts ${retracts}, which does not stand`);
    else if (!block.wasDropped) problem(`retracts ${retracts}, whose block was never dropped`);
    else if ([...standing.keys()].at(-1) !== retracts)
      problem(`retracts ${retracts} before what came after it`);
    standing.delete(retracts);
  }

  #judgeEvent(message: Received, { standing }: Key, problem: Problem): void {
    const { body, attributes } = message;
    const eventId = String((JSON.parse(body) as Record<string, unknown>).event_id);
    const incarnation = (this.#announced.get(eventId) ?? 0) + 1;
    this.#announced.set(eventId, incarnation);
    const messageId = incarnation === 1 ? eventId : `${eventId}#${incarnation}`;
    if (attributes.event_id !== messageId) problem(`should be ${messageId}`);
    const [chainId, hash, logIndex] = eventId.split("-");
    const block = this.#chains.get(Number(chainId))?.byHash(hash ?? "");
    const log = block?.logs[Number(logIndex)];
    const event = block && log ? eventOf(Number(chainId), block, log) : null;
    if (block === undefined || event === null) problem("tells what never was");
    else {
      const expected = encodeMessage(event);
      if (body !== expected.body) problem(`has another body: ${body}`);
      if (message.orderingKey !== expected.orderingKey) problem("has another key");
      const due = this.#finality === "final" ? FINALITY_BLOCKS : this.#finality;
      if (block.confirmations < due)
        problem(`comes after ${block.confirmations} confirmations, and not ${due}`);
      for (const [other, at] of standing)
        if (!isOnBranchOf(at, block)) problem(`comes while ${other} of another branch stands`);
      if (standing.has(eventId)) problem("is announced while it stands");
      standing.set(eventId, block);
    }
  }
}

type Problem = (what: string) => void;

function isOnBranchOf(ancestor: Block, block: Block): boolean {
  let at = block;
  while (at.number > ancestor.number && at.parent !== null) at = at.parent;
  return at === ancestor;
}
