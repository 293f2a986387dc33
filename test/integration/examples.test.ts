import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PubsubMessage } from "@escrow-stream/consumer";
import { type PubsubServer, startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ConsumerDatabase, startConsumerDatabase } from "../support/consumer-database.ts";
import { tellHistory } from "../support/escrow-history.ts";
import { FeedStandIn } from "../support/feed-stand-in.ts";
import { ONCE, PubsubClients } from "../support/pubsub-clients.ts";
import { Stranger } from "../support/stranger.ts";
import { strangersNode } from "../support/strangers-node.ts";
import { waitUntil } from "../support/wait-until.ts";

/* Each example as somebody has it who copied its folder: installed from npm, on the Nodes it claims. */

process.env.METADATA_SERVER_DETECTION = "none";

const EXAMPLES = join(import.meta.dirname, "../../examples");

let stranger: Stranger;
let database: ConsumerDatabase;
let server: PubsubServer;
let clients: PubsubClients;

beforeAll(async () => {
  stranger = new Stranger();
  [database, server] = await Promise.all([startConsumerDatabase(), startPubsubServer()]);
  clients = new PubsubClients(server.address);
});

afterAll(async () => {
  stranger.leave();
  await clients.close();
  await Promise.all([server.stop(), database.stop()]);
});

/** A copy of an example with what its package.json names. */
function copyOf(example: string): string {
  const source = join(EXAMPLES, example);
  const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  const folder = stranger.installManifest(example, manifest);
  for (const file of readdirSync(source))
    if (file !== "package.json") cpSync(join(source, file), join(folder, file));
  return folder;
}

/** The arguments for Node that a script of the example's package.json stands for. */
function script(folder: string, name: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const [command, ...args] = scripts[name].split(" ");
  return command === "node" ? args : [join(folder, "node_modules/.bin", command), ...args];
}

describe.each([strangersNode()])("on Node $version,", ({ version, path }) => {
  const env = (more: Record<string, string> = {}) => ({
    PUBSUB_EMULATOR_HOST: server.address,
    GOOGLE_CLOUD_PROJECT: "p1",
    ...more,
  });
  const publish = async (topic: string, messages: ReturnType<typeof tellHistory>["messages"]) => {
    for (const { data, attributes, orderingKey = "" } of messages) {
      const message = { data, attributes: { ...attributes }, orderingKey };
      await clients.publisher.publish({ topic, messages: [message] }, ONCE);
    }
  };

  test("01-subscriber prints what is published, and ends on Ctrl-C", async () => {
    const folder = copyOf("01-subscriber");
    const topic = await clients.createTopic({}, `events-${version}`);
    const settings = { TOPIC: `events-${version}`, SUBSCRIPTION: `printer-${version}` };
    const { child, printed, ended } = stranger.run(
      path,
      folder,
      script(folder, "start"),
      env(settings),
    );
    await waitUntil("it listens", () => printed.err !== "" || printed.out.includes("listening to"));
    const story = tellHistory("1:0x0", [{ type: "Approved", by: 1 }, { type: "EscrowReleased" }]);
    await publish(topic, story.messages);
    await waitUntil(
      "all is printed",
      () => printed.out.split("\n").length > story.messages.length + 1,
    );
    child.kill("SIGINT");
    expect([await ended, printed.err]).toEqual([0, ""]);
    const lines = printed.out.trim().split("\n").slice(1);
    expect(lines.map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual(
      story.messages.map((_, index) => `1:0x0 #${index + 1} (provisional)`),
    );
  });

  test("02-settlement-consumer is built, keeps its ledger, and ends with 0", async () => {
    const folder = copyOf("02-settlement-consumer");
    const build = stranger.run(path, folder, script(folder, "build"));
    expect([await build.ended, build.printed.out]).toEqual([0, ""]);
    const topic = await clients.createTopic({}, `settlements-${version}`);
    const { child, printed, ended } = stranger.run(
      path,
      folder,
      script(folder, "start"),
      env({
        DATABASE_URL: database.url,
        PUBSUB_PROJECT_ID: "p1",
        SUBSCRIPTION: `ledger-${version}`,
        TOPIC: `settlements-${version}`,
        FINALITY: "provisional",
        CREATE_SUBSCRIPTION: "true",
        SCHEMA: `ledger_${version}`,
        STATS_INTERVAL_MS: "100",
      }),
    );
    await waitUntil("it runs", () => printed.err !== "" || printed.out.includes('"stats"'));
    const story = tellHistory("1:0x0", [{ type: "Approved", by: 1 }, { type: "EscrowReleased" }]);
    const told = toldOn(`settlements-${version}`, story.messages);
    await publish(topic, [...told, ...told]);
    await waitUntil("all is applied", () => printed.out.includes('"applied":3,"duplicates":3'));
    child.kill("SIGTERM");
    expect([await ended, printed.err]).toEqual([0, ""]);
    const { rows } = await database.pool.query(
      `select status from ledger_${version}.escrow_ledger`,
    );
    expect(rows).toEqual([{ status: "released" }]);
  });

  test("02-settlement-consumer that starts late has what was before from the feed", async () => {
    const folder = copyOf("02-settlement-consumer");
    const build = stranger.run(path, folder, script(folder, "build"));
    expect([await build.ended, build.printed.out]).toEqual([0, ""]);
    const name = `late-${version}`;
    const topic = await clients.createTopic({}, name);
    const story = tellHistory("1:0x0", [
      { type: "Approved", by: 1 },
      { type: "reorg", depth: 1, returns: true },
      { type: "EscrowReleased" },
    ]);
    const told = toldOn(name, story.messages);
    await publish(topic, told.slice(0, 3));
    const feed = await FeedStandIn.start();
    try {
      feed.messages.push(...told);
      const { child, printed, ended } = stranger.run(
        path,
        folder,
        script(folder, "start"),
        env({
          DATABASE_URL: database.url,
          PUBSUB_PROJECT_ID: "p1",
          SUBSCRIPTION: `late-ledger-${version}`,
          TOPIC: name,
          FINALITY: "provisional",
          CREATE_SUBSCRIPTION: "true",
          SCHEMA: `late_${version}`,
          STATS_INTERVAL_MS: "100",
          FEED_URL: feed.url,
        }),
      );
      await waitUntil("all is applied", () => printed.out.includes('"applied":5,'));
      await publish(topic, told.slice(3));
      await waitUntil("what the feed had before comes again", () =>
        printed.out.includes('"applied":5,"duplicates":2'),
      );
      child.kill("SIGTERM");
      expect([await ended, printed.err]).toEqual([0, ""]);
      const { rows } = await database.pool.query(
        `select status from late_${version}.escrow_ledger`,
      );
      expect(rows).toEqual([{ status: "released" }]);
    } finally {
      await feed.stop();
    }
  });

  test("03-test-with-emulator passes", async () => {
    const folder = copyOf("03-test-with-emulator");
    const { printed, ended } = stranger.run(path, folder, script(folder, "test"));
    expect(await ended, printed.out + printed.err).toBe(0);
    expect(printed.out).toMatch(/pass 1\b/);
  });
});

/** As the relay says of itself in every message. */
function toldOn(publication: string, messages: PubsubMessage[]): PubsubMessage[] {
  return messages.map((message) => ({
    ...message,
    attributes: { ...message.attributes, publication },
  }));
}
