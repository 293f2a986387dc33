import { BARRIER_ATTRIBUTE } from "@escrow-stream/messages";
import type { RelayParts } from "@escrow-stream/relay";
import type { ProcessFaults } from "./process-faults.ts";

/** A request dies within this time after it was sent: accepted or not, nobody knows. */
const DURING_MS = 15;

/** Puts a fault point before, during and after every call to Pub/Sub that bears on the outcome. */
export function instrumentPubsub(
  { topics, receipts }: Pick<RelayParts, "topics" | "receipts">,
  faults: ProcessFaults,
): void {
  const around = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    await faults.reach(`before:${name}`);
    if (faults.diesAt(`during:${name}`)) {
      void call().catch(() => undefined);
      await faults.die(Math.random() * DURING_MS);
    }
    const result = await call();
    await faults.reach(`after:${name}`);
    return result;
  };

  const publish = topics.publish.bind(topics);
  topics.publish = (topic, orderingKey, messages, timeoutMs) => {
    const isBarrier = messages[0]?.attributes[BARRIER_ATTRIBUTE] !== undefined;
    const send = () => publish(topic, orderingKey, messages, timeoutMs);
    if (isBarrier) return around("barrier", send);
    const topicKey = `${topic}/${orderingKey}`;
    const eventIds = messages.map(({ attributes }) => attributes.event_id ?? "");
    faults.tell({ type: "sending", topicKey, eventIds });
    return around("send", send).finally(() => faults.tell({ type: "sent", topicKey }));
  };

  const readable = <T>(call: () => Promise<T>): Promise<T> =>
    faults.isOn("receipts-unreadable")
      ? Promise.reject(new Error("injected: the receipts cannot be read"))
      : call();
  const pull = receipts.pull.bind(receipts);
  receipts.pull = (topic, waitMs) => around("pull", () => readable(() => pull(topic, waitMs)));
  const acknowledge = receipts.acknowledge.bind(receipts);
  receipts.acknowledge = (topic, read) =>
    around("acknowledge", () => readable(() => acknowledge(topic, read)));
  const purge = receipts.purge.bind(receipts);
  receipts.purge = (topic, beforeMs) => around("purge", () => purge(topic, beforeMs));
}
