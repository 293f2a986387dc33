import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConsumerDatabase, startConsumerDatabase } from "../support/consumer-database.ts";
import { eventMessage } from "../support/consumer-messages.ts";
import { ONCE, PubsubClients } from "../support/pubsub-clients.ts";
import { waitUntil } from "../support/wait-until.ts";

const PROJECT = join(import.meta.dirname, "../..");
const [, code = ""] =
  /```js\n(.*?)```/s.exec(readFileSync(join(PROJECT, "README.md"), "utf8")) ?? [];

let database: ConsumerDatabase;
let server: Awaited<ReturnType<typeof startPubsubServer>>;
let clients: PubsubClients;
let consumer: ChildProcess | undefined;

beforeAll(async () => {
  [database, server] = await Promise.all([startConsumerDatabase(), startPubsubServer()]);
  clients = new PubsubClients(server.address);
});

afterAll(async () => {
  consumer?.kill("SIGKILL");
  await clients.close();
  await Promise.all([server.stop(), database.stop()]);
});

test("The README's consumer pays each release once, however often its message comes, and ends when told to", async () => {
  await database.pool.query("create table payout (id text, payee text, wei numeric)");
  const topic = await clients.createTopic();
  const name = "projects/my-project/subscriptions/billing";
  const settings = { name, topic, enableMessageOrdering: true };
  await clients.subscriber.createSubscription(settings, ONCE);

  const { PATH, HOME } = process.env;
  consumer = spawn(process.execPath, ["--input-type=module", "-e", code], {
    cwd: PROJECT,
    env: {
      PATH,
      HOME,
      DATABASE_URL: database.url,
      PUBSUB_EMULATOR_HOST: server.address,
      METADATA_SERVER_DETECTION: "none",
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const ended = once(consumer, "exit");

  const of = { publication: "settlement.events.v1", attributes: { finality: "final" } };
  const released = eventMessage({
    ...of,
    sequence: 2,
    eventId: "released",
    eventType: "EscrowReleased",
    fields: { payee: "0xb", amount: "115792089237316195423570985008687907853" },
  });
  const last = eventMessage({ ...of, sequence: 3, eventId: "last", eventType: "EscrowReleased" });
  for (const message of [eventMessage({ ...of, sequence: 1 }), released, released, last]) {
    const { data, attributes, orderingKey = "" } = message;
    await clients.publisher.publish(
      { topic, messages: [{ data, attributes: { ...attributes }, orderingKey }] },
      ONCE,
    );
  }
  const paid = () =>
    database.pool.query("select id, payee, wei from payout").then((all) => all.rows);
  await waitUntil("the last message is applied", async () => (await paid()).length >= 2);
  consumer.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(await paid()).toEqual([
    { id: "released", payee: "0xb", wei: "115792089237316195423570985008687907853" },
    { id: "last", payee: null, wei: null },
  ]);
});
