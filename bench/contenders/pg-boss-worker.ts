import { PubSub } from "@google-cloud/pubsub";
import { PgBoss } from "pg-boss";
import { place, whenTold } from "./contender-process.ts";
import { QUEUE } from "./pg-boss-queue.ts";

/*
 * pg-boss as an outbox: one job per message in a queue with policy key_strict_fifo, keyed by
 * aggregate, taken a thousand at a time, woken by NOTIFY, at once again after a full batch, and
 * otherwise as often as the library polls at most. A job whose worker died is given out again after
 * `expireInSeconds` (pg-boss-queue.ts).
 */

const BATCH = 1_000;

type Message = { body: string; attributes: Record<string, string>; orderingKey: string };

const boss = new PgBoss({
  connectionString: place.databaseUrl,
  useListenNotify: true,
  superviseIntervalSeconds: 1,
  queueCacheIntervalSeconds: 1,
  monitorIntervalSeconds: 1,
  maintenanceIntervalSeconds: 1,
});
boss.on("error", (error) => console.error(error));
await boss.start();
const pubsub = new PubSub({ projectId: place.projectId });
const topic = pubsub.topic(place.topic, {
  messageOrdering: true,
  batching: { maxMessages: 1_000, maxMilliseconds: 1 },
});

await whenTold();
await boss.work<Message>(
  QUEUE,
  {
    batchSize: BATCH,
    burstWhenBatchFull: true,
    pollingIntervalSeconds: 0.5,
    notifyPollingIntervalSeconds: 0.5,
  },
  async (jobs) => {
    await Promise.all(
      jobs.map(({ data: { body, attributes, orderingKey } }) =>
        topic.publishMessage({ data: Buffer.from(body), attributes, orderingKey }),
      ),
    );
  },
);
