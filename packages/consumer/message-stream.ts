import {
  Duration,
  type Message,
  type PubSub,
  SubscriptionCloseBehaviors,
} from "@google-cloud/pubsub";
import type { Log } from "./log.ts";

export type MessageStreamOptions = {
  pubsub: PubSub;
  /** Subscription id or full name. */
  subscription: string;
  flowControl: { maxMessages: number; maxBytes: number };
  /** How long Pub/Sub waits for an answer before it delivers again; extended while one is due. */
  ackDeadlineSeconds: number;
  reopenAfterMs: number;
  closeTimeoutMs: number;
  onMessage: (message: Message) => void;
  onReopen: () => void;
  log: Log;
};

/**
 * Pulls from a subscription until closed. The client library reconnects by itself, but ends the
 * stream on what it deems permanent (permission lost, subscription gone): those are fixed by
 * people while we run, so the stream is opened again after a while, and the log says why.
 *
 * @returns a function that stops pulling at once and resolves when all that was delivered is
 *   answered, or when `closeTimeoutMs` have passed
 */
export function openMessageStream(options: MessageStreamOptions): () => Promise<void> {
  const { pubsub, log } = options;
  const deadline = Duration.from({ seconds: options.ackDeadlineSeconds });
  let timer: NodeJS.Timeout | undefined;
  let isClosing = false;

  const open = () => {
    const subscription = pubsub.subscription(options.subscription, {
      flowControl: options.flowControl,
      minAckDeadline: deadline,
      maxAckDeadline: deadline,
      closeOptions: {
        behavior: SubscriptionCloseBehaviors.WaitForProcessing,
        timeout: Duration.from({ millis: options.closeTimeoutMs }),
      },
    });
    subscription.on("error", (error) =>
      log.error(
        { event: "subscription.failed", err: error, subscription: options.subscription },
        "the subscription failed",
      ),
    );
    subscription.on("close", () => {
      if (isClosing || current !== subscription) return;
      options.onReopen();
      timer = setTimeout(() => {
        current = open();
      }, options.reopenAfterMs);
    });
    subscription.on("message", options.onMessage);
    return subscription;
  };
  let current = open();

  return async () => {
    isClosing = true;
    clearTimeout(timer);
    await current.close();
  };
}
