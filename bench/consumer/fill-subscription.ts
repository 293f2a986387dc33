import { PubSub, v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import { PROJECT } from "../parts/start-pubsub.ts";

const TOPIC = "bench";
export const SUBSCRIPTION = "bench";

const BODY = "x".repeat(700);
const REQUESTS_AT_ONCE = 32;

/** Fills a subscription with messages as the relay publishes them: `perKey` of each key, in order. */
export async function fillSubscription(host: string, keys: number, perKey: number): Promise<void> {
  const pubsub = new PubSub({ projectId: PROJECT, apiEndpoint: host, emulatorMode: true });
  await pubsub.createTopic(TOPIC);
  await pubsub
    .topic(TOPIC)
    .createSubscription(SUBSCRIPTION, { enableMessageOrdering: true, ackDeadlineSeconds: 600 });
  const [servicePath, port] = host.split(":") as [string, string];
  const sslCreds = credentials.createInsecure();
  const publisher = new v1.PublisherClient({
    ...{ projectId: PROJECT, servicePath, port: Number(port), sslCreds },
  });
  const topic = `projects/${PROJECT}/topics/${TOPIC}`;
  const queue = Array.from({ length: keys }, (_, key) => key).values();
  await Promise.all(
    Array.from({ length: REQUESTS_AT_ONCE }, async () => {
      for (const key of queue)
        await publisher.publish({ topic, messages: messagesOf(key, perKey) }, { retry: null });
    }),
  );
  await publisher.close();
  await pubsub.close();
}

function messagesOf(key: number, perKey: number): object[] {
  const escrow = `0x${key.toString(16).padStart(40, "0")}`;
  const orderingKey = `1:${escrow}`;
  return Array.from({ length: perKey }, (_, at) => {
    const eventId = `1-${escrow}-${at}`;
    const body = {
      ...{ event_id: eventId, event_type: "Approved", schema_version: 1, chain_id: 1 },
      ...{ escrow_address: escrow, filler: BODY },
    };
    return {
      data: Buffer.from(JSON.stringify(body)),
      orderingKey,
      attributes: {
        ...{ event_id: eventId, event_type: "Approved", chain_id: "1", escrow_address: escrow },
        ...{ sequence: String(at + 1), publication: TOPIC, finality: "provisional" },
      },
    };
  });
}
