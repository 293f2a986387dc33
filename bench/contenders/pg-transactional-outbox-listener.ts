import { setImmediate } from "node:timers/promises";
import { PubSub } from "@google-cloud/pubsub";
import { initializePollingMessageListener, type ListenerConfig } from "pg-transactional-outbox";
import { place, whenTold } from "./contender-process.ts";

/*
 * pg-transactional-outbox with its polling listener: messages are ordered by segment, which is the
 * aggregate. Larger batches and a shorter poll than the defaults (5 messages, 500 ms), all of it
 * documented settings; the defaults are many times slower. A batch is taken when the one before is
 * done: its function for the next messages locks what is being processed as well, for a moment, and
 * what meets such a lock is put off by seconds.
 */

const BATCH = 500;
const CONNECTIONS = 20;

type Payload = { body: string; attributes: Record<string, string>; orderingKey: string };

const pubsub = new PubSub({ projectId: place.projectId });
const topic = pubsub.topic(place.topic, {
  messageOrdering: true,
  batching: { maxMessages: 1_000, maxMilliseconds: 1 },
});
const database = { connectionString: place.databaseUrl, max: CONNECTIONS };
const config: ListenerConfig = {
  outboxOrInbox: "outbox",
  dbHandlerConfig: database,
  dbListenerConfig: database,
  settings: {
    dbSchema: "public",
    dbTable: "outbox",
    enableMaxAttemptsProtection: false,
    enablePoisonousMessageProtection: false,
    nextMessagesFunctionName: "next_outbox_messages",
    nextMessagesBatchSize: BATCH,
    nextMessagesPollingIntervalInMs: 10,
    nextMessagesLockInMs: 15_000,
  },
};
const quiet = (): void => undefined;
const logger = { level: "silent", silent: quiet, trace: quiet, debug: quiet, info: quiet };

await whenTold();
initializePollingMessageListener(
  config,
  {
    handle: async ({ payload }) => {
      const { body, attributes, orderingKey } = payload as Payload;
      await topic.publishMessage({ data: Buffer.from(body), attributes, orderingKey });
    },
  },
  // What it reports as errors are rows that it finds locked by itself: it takes them up later.
  { ...logger, warn: quiet, error: quiet, fatal: console.error },
  {
    batchSizeStrategy: async (processing) => {
      if (processing === 0) return BATCH;
      await setImmediate();
      return processing;
    },
  },
);
