import { createHash } from "node:crypto";
import type { PubsubMessage } from "./pubsub-message.ts";

// Added on the way by the client library's tracing and by Pub/Sub's own dead-lettering: copies of
// one message may differ in these.
const ADDED_ON_THE_WAY = /^(googclient_|CloudPubSubDeadLetter)/;

/** SHA-256 in hex of all that the publisher sent: ordering key, attributes and body. */
export function messageHash({ data, attributes, orderingKey }: PubsubMessage): string {
  const sent = Object.entries(attributes)
    .filter(([name]) => !ADDED_ON_THE_WAY.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([orderingKey ?? "", sent]))
    .update("\0")
    .update(data)
    .digest("hex");
}
