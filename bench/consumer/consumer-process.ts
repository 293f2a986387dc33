import { applyOnce, inTransaction, migrate, runConsumer } from "@escrow-stream/consumer";
import { type Message, PubSub } from "@google-cloud/pubsub";
import pg from "pg";

/*
 * One way of applying each message once, WAY, whose effect is a row in `applied`:
 * - `runConsumer`: the library's runner, many messages of a key in a transaction
 * - `applyOnce`: the library's function, a transaction per message
 * - `insert`: what one does without a library: a unique event id, one statement per message; order
 *   and gaps are nobody's business
 */

const CONNECTIONS = 8;
const MAX_MESSAGES = 1_000;
const INSERT = "insert into applied (event_id, body) values ($1, $2)";

const { WAY = "", DATABASE_URL = "", PUBSUB_PROJECT_ID = "", SUBSCRIPTION = "" } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: CONNECTIONS });
const pubsub = new PubSub({ projectId: PUBSUB_PROJECT_ID });
const publication = { topic: "bench", finality: "provisional" } as const;
const consumer = { name: "bench", publication };

await migrate(pool);
await pool.query("create table applied (event_id text primary key, body text not null)");
process.once("disconnect", () => process.exit(0));
process.once("message", begin);
process.send?.("ready");

function begin(): void {
  if (WAY === "runConsumer")
    runConsumer({
      ...consumer,
      pubsub,
      subscription: SUBSCRIPTION,
      pool,
      concurrency: CONNECTIONS,
      flowControl: { maxMessages: MAX_MESSAGES },
      effect: async ({ eventId }, tx) => {
        await tx.query({ name: "insert", text: INSERT, values: [eventId, eventId] });
      },
      signal: new AbortController().signal,
    });
  else if (WAY === "applyOnce") subscribe(applyInTransaction);
  else subscribe(insert);
}

function subscribe(apply: (message: Message) => Promise<void>): void {
  const subscription = pubsub.subscription(SUBSCRIPTION, {
    flowControl: { maxMessages: MAX_MESSAGES },
  });
  subscription.on("message", (message: Message) => {
    apply(message).then(
      () => message.ack(),
      () => message.nack(),
    );
  });
}

async function applyInTransaction(message: Message): Promise<void> {
  const { outcome } = await inTransaction(pool, (tx) =>
    applyOnce(
      tx,
      message,
      async ({ eventId }) => {
        await tx.query({ name: "insert", text: INSERT, values: [eventId, eventId] });
      },
      consumer,
    ),
  );
  if (outcome === "early") throw new Error("a message before it is missing");
}

async function insert({ attributes }: Message): Promise<void> {
  const { event_id: eventId } = attributes;
  await pool.query({
    name: "insert",
    text: `${INSERT} on conflict do nothing`,
    values: [eventId, eventId],
  });
}
