import { messageId } from "@escrow-stream/messages";
import { v1 } from "@google-cloud/pubsub";
import { status } from "@grpc/grpc-js";
import { type Kysely, sql } from "kysely";
import { parseFinality } from "../journal/publication.ts";
import { type AttributesRow, sentAttributes } from "../journal/sent-attributes.ts";
import { codeOf } from "../publish/publish-error.ts";
import {
  clientOptions,
  explain,
  type PubsubConfig,
  TopicUnusable,
} from "../publish/pubsub-endpoint.ts";
import { type DeliveredMessage, type ExpectedMessage, TopicJudge } from "./topic-judge.ts";

type SubscriberClient = InstanceType<typeof v1.SubscriberClient>;

export type AuditOptions = {
  topic: string;
  /** The auditor's own subscription. */
  subscription: string;
  /** Without a message for this long, everything is taken to be read. */
  idleMs: number;
  onProgress: (read: number) => void;
};

export type TopicAudit = {
  judge: TopicJudge;
  /** Messages that had to be there. */
  expected: number;
  /** Messages from before the subscription existed: it cannot tell anything about them. */
  outOfSight: number;
};

const TIMEOUT_MS = 10_000;
const MAX_PULL = 1_000;
const ACK_DEADLINE_SECONDS = 60;
const RETENTION_SECONDS = 7 * 24 * 60 * 60;
const CREATED_LABEL = "created";
const LIVE_MARGIN_MS = 10_000;
/** Clocks of Pub/Sub and PostgreSQL may differ by this much around the subscription's creation. */
const CLOCK_MARGIN_SECONDS = 5;

/** The subscription does not exist, so there is nothing to read the topic with. */
export class NoAuditSubscription extends Error {
  override name = "NoAuditSubscription";
  readonly code = "ES-AUDIT-SUBSCRIPTION";
}

/**
 * Creates the auditor's subscription on a topic. It keeps what was acknowledged, so that every
 * audit reads everything from the creation on, or as far back as Pub/Sub retains.
 *
 * @throws TopicUnusable when there is no such topic, or no credentials; PubsubAway
 */
export async function createAuditSubscription(
  pubsub: PubsubConfig,
  topic: string,
  subscription: string,
): Promise<void> {
  const client = new v1.SubscriberClient(clientOptions(pubsub));
  try {
    await client.createSubscription(
      {
        name: `projects/${pubsub.projectId}/subscriptions/${subscription}`,
        topic: `projects/${pubsub.projectId}/topics/${topic}`,
        enableMessageOrdering: true,
        retainAckedMessages: true,
        messageRetentionDuration: { seconds: RETENTION_SECONDS },
        ackDeadlineSeconds: ACK_DEADLINE_SECONDS,
        expirationPolicy: {},
        labels: { [CREATED_LABEL]: String(Math.floor(Date.now() / 1000)) },
      },
      { retry: null, timeout: TIMEOUT_MS },
    );
  } catch (error) {
    if (codeOf(error) === status.NOT_FOUND)
      throw new TopicUnusable(
        `Topic projects/${pubsub.projectId}/topics/${topic} does not exist: create it first, or let the relay do it (PUBSUB_CREATE=true).`,
        { cause: error },
      );
    if (codeOf(error) === status.ALREADY_EXISTS) throw error;
    throw explain(pubsub, error);
  } finally {
    await client.close();
  }
}

/**
 * Reads a whole topic through the auditor's subscription and compares it with the journal. What is
 * published meanwhile is judged as well, but not missed.
 *
 * @throws NoAuditSubscription when it was never created; PubsubAway
 */
export async function auditTopic(
  db: Kysely<unknown>,
  pubsub: PubsubConfig,
  options: AuditOptions,
): Promise<TopicAudit> {
  const client = new v1.SubscriberClient(clientOptions(pubsub));
  const subscription = `projects/${pubsub.projectId}/subscriptions/${options.subscription}`;
  try {
    const since = await createdAt(client, pubsub, subscription, options);
    const published = await readPublished(db, options.topic);
    await client.seek({ subscription, time: { seconds: 0, nanos: 0 } }, { timeout: TIMEOUT_MS });
    const judge = new TopicJudge();
    await readAll(client, subscription, options, async (messages) => {
      const expected = await readExpected(db, options.topic, messages);
      for (const message of messages)
        judge.take(message, expected.get(nameOf(message.orderingKey, sequenceOf(message))) ?? null);
      options.onProgress(judge.delivered);
    });
    const inSight = published.filter(({ capturedAt }) => capturedAt >= since);
    for (const message of inSight) if (!judge.has(message)) judge.missing(message);
    return {
      judge,
      expected: inSight.length,
      outOfSight: published.length - inSight.length,
    };
  } finally {
    await client.close();
  }
}

async function createdAt(
  client: SubscriberClient,
  pubsub: PubsubConfig,
  subscription: string,
  { topic }: AuditOptions,
): Promise<number> {
  try {
    const [found] = await client.getSubscription({ subscription }, { timeout: TIMEOUT_MS });
    return Number(found.labels?.[CREATED_LABEL] ?? 0) + CLOCK_MARGIN_SECONDS;
  } catch (error) {
    if (codeOf(error) !== status.NOT_FOUND) throw explain(pubsub, error);
    throw new NoAuditSubscription(
      `There is no subscription ${subscription} to read topic ${topic} with. Create it with --create: it sees what is published from then on.`,
    );
  }
}

/** Pulls until nothing comes any more, or only what is new; acknowledges what was judged. */
async function readAll(
  client: SubscriberClient,
  subscription: string,
  { idleMs }: AuditOptions,
  onMessages: (messages: DeliveredMessage[]) => Promise<void>,
): Promise<void> {
  const startedAtMs = Date.now();
  let lastMs = performance.now();
  for (let isLive = false; !isLive && performance.now() - lastMs < idleMs; ) {
    const [{ receivedMessages }] = await client
      .pull({ subscription, maxMessages: MAX_PULL }, { retry: null, timeout: idleMs })
      .catch((error) => {
        if (codeOf(error) === status.DEADLINE_EXCEEDED) return [{ receivedMessages: [] }];
        throw error;
      });
    const received = receivedMessages ?? [];
    if (received.length === 0) continue;
    lastMs = performance.now();
    await onMessages(
      received.map(({ message }) => ({
        messageId: message?.messageId ?? "",
        orderingKey: message?.orderingKey ?? "",
        body: Buffer.from(message?.data ?? "").toString("utf8"),
        attributes: message?.attributes ?? {},
      })),
    );
    // On a topic that never rests: what was there at the start has been read when only messages
    // come that were published well after it.
    const oldestMs = Math.min(...received.map(({ message }) => millisecondsOf(message)));
    isLive = oldestMs > startedAtMs + LIVE_MARGIN_MS;
    const ackIds = received.map(({ ackId }) => ackId ?? "");
    await client.acknowledge({ subscription, ackIds }, { retry: null, timeout: TIMEOUT_MS });
  }
}

function millisecondsOf(message: { publishTime?: unknown } | null | undefined): number {
  const { seconds = 0 } = (message?.publishTime ?? {}) as { seconds?: unknown };
  return 1000 * Number(seconds);
}

type PublishedMessage = ExpectedMessage & { capturedAt: number };

/** Everything that the journal says is on the topic, without its bytes. */
async function readPublished(db: Kysely<unknown>, topic: string): Promise<PublishedMessage[]> {
  const { rows } = await sql<Omit<AttributesRow, "source_attributes"> & PublishedRow>`
    select m.ordering_key, m.sequence, m.kind, m.event_id, m.incarnation,
           extract(epoch from m.captured_at) as captured_at
    from relay.message m
    join relay.publication p on p.id = m.publication_id and p.topic = ${topic}
    join relay.ordering_key k using (publication_id, ordering_key)
    where m.sequence <= k.published_sequence
    order by m.ordering_key, m.sequence`.execute(db);
  return rows.map((row) => ({
    orderingKey: row.ordering_key,
    sequence: Number(row.sequence),
    eventId: messageId({ ...row, eventId: row.event_id }),
    capturedAt: Number(row.captured_at),
    body: "",
    attributes: {},
  }));
}

type PublishedRow = { ordering_key: string; captured_at: string };
type ExpectedRow = AttributesRow & { ordering_key: string; body: string; finality: string };

/** The journal's messages with the keys and sequences of those that were delivered. */
async function readExpected(
  db: Kysely<unknown>,
  topic: string,
  messages: DeliveredMessage[],
): Promise<Map<string, ExpectedMessage>> {
  const { rows } = await sql<ExpectedRow>`
    select m.ordering_key, m.sequence, m.kind, m.event_id, m.incarnation, m.body,
           m.source_attributes, p.finality
    from relay.message m
    join relay.publication p on p.id = m.publication_id and p.topic = ${topic}
    join unnest(${messages.map((each) => each.orderingKey)}::text[],
                ${messages.map(sequenceOf)}::bigint[]) as d (ordering_key, sequence)
      on d.ordering_key = m.ordering_key and d.sequence = m.sequence`.execute(db);
  return new Map(
    rows.map((row) => {
      const attributes = sentAttributes({ topic, finality: parseFinality(row.finality) }, row);
      const eventId = attributes.event_id ?? "";
      const key = { orderingKey: row.ordering_key, sequence: Number(row.sequence) };
      const { body } = row;
      return [nameOf(key.orderingKey, key.sequence), { ...key, eventId, body, attributes }];
    }),
  );
}

function sequenceOf({ attributes }: DeliveredMessage): number {
  return /^\d+$/.test(attributes.sequence ?? "") ? Number(attributes.sequence) : 0;
}

function nameOf(orderingKey: string, sequence: number): string {
  return `${orderingKey}#${sequence}`;
}
