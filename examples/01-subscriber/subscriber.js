import { decodeBody, InvalidBody } from "@escrow-stream/messages";
import { PubSub } from "@google-cloud/pubsub";

/*
 * Prints every event of a topic as it is published, until Ctrl-C. Beside `npm start`:
 *
 *   PUBSUB_EMULATOR_HOST=<as npm start prints it> GOOGLE_CLOUD_PROJECT=local npm start
 *
 * Pub/Sub delivers at least once: what acts on a message instead of printing it needs to know which
 * it has acted on. That is 02-settlement-consumer.
 */

const TOPIC = process.env.TOPIC ?? "chain.events.v1";
const SUBSCRIPTION = process.env.SUBSCRIPTION ?? "example-subscriber";
const ALREADY_EXISTS = 6;

// Or the client looks for Google's network first, for seconds.
if (process.env.PUBSUB_EMULATOR_HOST) process.env.METADATA_SERVER_DETECTION ??= "none";

const pubsub = new PubSub();
await pubsub
  .topic(TOPIC)
  // The filter leaves out the relay's own messages.
  .createSubscription(SUBSCRIPTION, { enableMessageOrdering: true, filter: "attributes:event_id" })
  .catch((error) => {
    if (error.code !== ALREADY_EXISTS) throw error;
  });

const subscription = pubsub.subscription(SUBSCRIPTION);
subscription.on("error", (error) => console.error(error.message));
subscription.on("message", (message) => {
  const { sequence, finality } = message.attributes;
  console.log(`${message.orderingKey} #${sequence} (${finality}) ${say(message.data)}`);
  message.ack();
});
console.log(`listening to ${TOPIC}`);

for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, async () => {
    await subscription.close();
    await pubsub.close();
  });

/** @param {Buffer} data */
function say(data) {
  try {
    const body = decodeBody(data);
    switch (body.event_type) {
      case "EscrowCreated":
        return `${body.payer} puts ${body.amount} wei aside for ${body.payee}`;
      case "Approved":
        return `${body.approver} approves`;
      case "EscrowReleased":
        return `${body.payee} gets ${body.amount} wei`;
      case "EscrowRefunded":
        return `${body.payer} gets ${body.amount} wei back`;
      case "EventRetracted":
        return `${body.retracts} is retracted: a reorg dropped its block`;
      default:
        return body.event_type;
    }
  } catch (error) {
    // Of a newer relay, or none of this contract: shown, and not tried again.
    if (error instanceof InvalidBody) return error.message;
    throw error;
  }
}
