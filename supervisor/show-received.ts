import type { RelayConfig } from "@escrow-stream/relay";
import { watchTopics } from "../local/watch-topics.ts";
import type { Output } from "./output.ts";

/**
 * Shows what a subscriber of the embedded Pub/Sub gets.
 *
 * @returns a function that ends it
 */
export async function showReceived(
  { pubsub, publications }: RelayConfig,
  output: Output,
): Promise<() => Promise<void>> {
  const { projectId, emulatorHost = "" } = pubsub;
  const topics = publications.map(({ topic }) => topic);
  return await watchTopics({ projectId, emulatorHost }, topics, (topic, { attributes, data }) => {
    if (attributes.event_id === undefined) return;
    const amountWei: string | undefined = JSON.parse(data.toString()).amount;
    output.message({
      topic,
      type: attributes.event_type ?? "",
      escrow: attributes.escrow_address ?? "",
      sequence: attributes.sequence ?? "",
      ...(amountWei === undefined ? {} : { amountWei }),
    });
  });
}
