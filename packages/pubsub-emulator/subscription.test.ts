import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Consumer, ReceivedMessage } from "./delivery.ts";
import { Subscription } from "./subscription.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const message = (sequence: number, orderingKey: string) => ({
  sequence,
  publishTimeMs: 0,
  orderingKey,
  bytes: Buffer.from(`${orderingKey} ${sequence}`),
});

function newSubscription(): Subscription {
  return new Subscription({
    uid: 1,
    firstSequence: 0,
    log: undefined,
    deadLetter: () => false,
    resource: {
      name: "projects/p1/subscriptions/sub",
      topic: "projects/p1/topics/top",
      ackDeadlineSeconds: 10,
      retainAckedMessages: false,
      messageRetentionDuration: null,
      labels: {},
      enableMessageOrdering: true,
      expirationPolicy: null,
      filter: "",
      deadLetterPolicy: null,
      retryPolicy: null,
      detached: false,
      enableExactlyOnceDelivery: false,
    },
  });
}

/** A consumer that keeps what it is given until the test acks or nacks it. */
class TestConsumer implements Consumer {
  readonly ackDeadlineMs = 10_000;
  readonly maxBytes = Number.POSITIVE_INFINITY;
  readonly isWritable = true;
  readonly maxMessages: number;
  readonly onDeliver: (received: ReceivedMessage) => void;

  constructor(maxMessages: number, onDeliver: (received: ReceivedMessage) => void) {
    this.maxMessages = maxMessages;
    this.onDeliver = onDeliver;
  }

  deliver(messages: ReceivedMessage[]): void {
    for (const received of messages) this.onDeliver(received);
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant("publish" as const), key: fc.constantFrom("a", "b") }),
  fc.record({
    kind: fc.constantFrom("ack", "nack") as fc.Arbitrary<"ack" | "nack">,
    pick: fc.nat(),
  }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, 5_000, 11_000) }),
);

test("whatever is acked, nacked or left to expire, each key is delivered in order, to one consumer at a time, until all is acked", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, room) => {
        const subscription = newSubscription();
        const held = new Map<string, { key: string; sequence: number; consumer: number }>();
        // Per key, in publish order: what a correct consumer may be given next.
        const published = new Map<string, number[]>([
          ["a", []],
          ["b", []],
        ]);
        const next = new Map<string, number>([
          ["a", 0],
          ["b", 0],
        ]);
        const place = (key: string, sequence: number) =>
          published.get(key)?.indexOf(sequence) ?? -1;
        const isLive = (ackId: string) => subscription.modifyAckDeadline([ackId], 10).length === 0;
        for (const consumer of [0, 1]) {
          const onDeliver = ({ ackId, message: bytes }: ReceivedMessage): void => {
            const [key = "", number] = bytes.toString().split(" ");
            const sequence = Number(number);
            // Going back is allowed (a redelivery); skipping ahead is not.
            expect(place(key, sequence)).toBeLessThanOrEqual(next.get(key) ?? 0);
            next.set(key, place(key, sequence) + 1);
            for (const [other, elsewhere] of held) {
              if (elsewhere.key === key && elsewhere.consumer !== consumer) {
                expect(isLive(other)).toBe(false);
              }
            }
            held.set(ackId, { key, sequence, consumer });
          };
          subscription.attach(new TestConsumer(room, onDeliver));
        }
        let sequence = 0;
        for (const each of steps) {
          if (each.kind === "publish") {
            published.get(each.key)?.push(sequence);
            subscription.enqueue([message(sequence++, each.key)]);
          } else if (each.kind === "wait") vi.advanceTimersByTime(each.ms);
          else {
            const ackId = [...held.keys()][each.pick % Math.max(1, held.size)];
            if (ackId === undefined) continue;
            held.delete(ackId);
            if (each.kind === "ack") subscription.acknowledge([ackId]);
            else subscription.modifyAckDeadline([ackId], 0);
          }
          vi.advanceTimersByTime(0);
        }
        for (let round = 0; subscription.openCount > 0; round++) {
          expect(round).toBeLessThan(1000);
          subscription.acknowledge([...held.keys()]);
          held.clear();
          vi.advanceTimersByTime(100);
        }
        expect(subscription.outstandingCount).toBe(0);
        subscription.close();
      },
    ),
    { numRuns: 300 },
  );
});

test("a message comes back at its ack deadline, not earlier, and not after an extension", () => {
  const subscription = newSubscription();
  const received: ReceivedMessage[] = [];
  subscription.attach(new TestConsumer(10, (each) => received.push(each)));
  subscription.enqueue([message(0, "")]);
  vi.advanceTimersByTime(9_990);
  expect(received).toHaveLength(1);
  subscription.modifyAckDeadline([received[0]?.ackId ?? ""], 10);
  vi.advanceTimersByTime(9_990);
  expect(received).toHaveLength(1);
  vi.advanceTimersByTime(100);
  expect(received).toHaveLength(2);
  subscription.close();
});
