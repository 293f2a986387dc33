import { setTimeout } from "node:timers/promises";
import { BARRIER_ATTRIBUTE } from "@escrow-stream/messages";
import { GrpcError, type OnPublish, type PublishRequest } from "@escrow-stream/pubsub-emulator";
import { status } from "@grpc/grpc-js";
import { REQUEST_LIFE_MS } from "./settings.ts";

/** What befalls a Publish request. `accept` may refuse: then the request was never accepted. */
export type PublishFault = (
  request: PublishRequest,
  accept: () => Promise<Accepted>,
) => Promise<Accepted>;
type Accepted = Awaited<ReturnType<OnPublish>>;

/** How far below the life of a request the latest acceptance stays: the time it took to get here. */
const LIFE_SLACK_MS = 250;

type Rule = {
  name: string;
  fault: PublishFault;
  applies: (request: PublishRequest) => boolean;
  /** Until when barriers are hit as well; always, when left out. */
  barriersUntilMs?: number;
};

/**
 * The fault layer in front of the Pub/Sub server. Faults that are on at the same time take turns at
 * random. Whatever they do, nothing is accepted after the longest life of a request: that is what a
 * service that honours deadlines guarantees.
 */
export class PublishFaults {
  readonly #random: () => number;
  #rules: Rule[] = [];
  readonly #closed = new Set<string>();
  #generation = 0;
  #hits = new Map<string, number>();

  /** @param random 0 to 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  readonly onPublish: OnPublish = async (request, accept) => {
    const receivedMs = performance.now();
    const generation = this.#generation;
    const acceptInTime = async (): Promise<Accepted> => {
      if (this.#closed.has(topicOf(request)))
        throw new GrpcError(status.NOT_FOUND, `Resource not found (resource=${request.topic}).`);
      const isOver = performance.now() - receivedMs > REQUEST_LIFE_MS - LIFE_SLACK_MS;
      if (isOver || generation !== this.#generation)
        throw new GrpcError(status.UNAVAILABLE, "the request was dropped");
      return accept();
    };
    const hitsBarriers = ({ barriersUntilMs = Number.POSITIVE_INFINITY }: Rule): boolean =>
      receivedMs < barriersUntilMs;
    const rules = this.#rules.filter(
      (each) => each.applies(request) && (!isBarrier(request) || hitsBarriers(each)),
    );
    const rule = rules[Math.floor(this.#random() * rules.length)];
    if (rule === undefined) return acceptInTime();
    if (!isBarrier(request)) this.#hits.set(rule.name, (this.#hits.get(rule.name) ?? 0) + 1);
    return rule.fault(request, acceptInTime);
  };

  add(rule: Rule): void {
    this.#rules.push(rule);
  }

  /** Nothing is accepted on a topic, as if it were not there, until `open`. */
  close(topic: string): void {
    this.#closed.add(topic);
  }

  open(topic: string): void {
    this.#closed.delete(topic);
  }

  /** Whatever is still held back dies with the server. */
  forgetRequests(): void {
    this.#generation += 1;
  }

  /**
   * Lets a fault befall requests until it has befallen some of them, barriers not counted. While it
   * waits for those, barriers pass: where every key is in doubt, nothing else is sent.
   *
   * @returns how many
   */
  async befall(
    name: string,
    fault: PublishFault,
    { forMs, atMostMs = 8_000, atLeast = 1, applies = () => true }: BefallOptions,
  ): Promise<number> {
    const startedMs = performance.now();
    const rule = { name, fault, applies, barriersUntilMs: startedMs + forMs };
    this.#hits.set(name, 0);
    this.add(rule);
    const hits = (): number => this.#hits.get(name) ?? 0;
    try {
      await setTimeout(forMs);
      while (hits() < atLeast && performance.now() - startedMs < atMostMs) await setTimeout(20);
      return hits();
    } finally {
      this.#rules = this.#rules.filter((each) => each !== rule);
    }
  }
}

export type BefallOptions = {
  forMs: number;
  atMostMs?: number;
  atLeast?: number;
  applies?: (request: PublishRequest) => boolean;
};

export function isBarrier({ messages }: PublishRequest): boolean {
  return messages[0]?.attributes.has(BARRIER_ATTRIBUTE) ?? false;
}

/** `<topic id>/<ordering key>` of a request: a key of one publication. */
export function topicKeyOf(request: PublishRequest): string {
  return `${topicOf(request)}/${request.messages[0]?.orderingKey}`;
}

function topicOf({ topic }: PublishRequest): string {
  return topic.slice(topic.lastIndexOf("/") + 1);
}
