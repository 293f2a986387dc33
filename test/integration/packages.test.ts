import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startConsumerDatabase } from "../support/consumer-database.ts";
import { eventMessage } from "../support/consumer-messages.ts";
import { ONCE, PubsubClients } from "../support/pubsub-clients.ts";
import { readmeProgram } from "../support/readme-program.ts";
import { Stranger } from "../support/stranger.ts";
import { strangersNode } from "../support/strangers-node.ts";
import { TopicRecorder } from "../support/topic-recorder.ts";
import { waitUntil } from "../support/wait-until.ts";

/* The packages as strangers get them: packed, installed in an empty folder, on the Nodes they claim. */

process.env.METADATA_SERVER_DETECTION = "none";

const ROOT = join(import.meta.dirname, "../..");
const NAMES = ["consumer", "messages", "pubsub-emulator", "relay"];

let stranger: Stranger;

beforeAll(() => {
  stranger = new Stranger();
});

afterAll(() => stranger.leave());

const bin = (name: string) => join(ROOT, "node_modules/.bin", name);

/** Puts the program of a package's README into a folder, and has its types checked there. */
function program(name: string, cwd: string): string {
  const { file, source } = readmeProgram(join(ROOT, "packages", name, "README.md"));
  writeFileSync(join(cwd, file), source);
  const options = "--noEmit --checkJs --strict --module nodenext --target es2022 --skipLibCheck";
  execFileSync(bin("tsc"), [...options.split(" "), file], { cwd, stdio: ["ignore", "inherit", 2] });
  return file;
}

describe.each(NAMES)("the tarball of @escrow-stream/%s", (name) => {
  test("passes publint and attw, and holds JavaScript with declarations, README and licence only", () => {
    execFileSync(bin("publint"), ["run", stranger.tarball(name), "--strict"], { stdio: "pipe" });
    execFileSync(bin("attw"), [stranger.tarball(name), "--profile", "esm-only"], { stdio: "pipe" });
    const files = execFileSync("tar", ["tzf", stranger.tarball(name)], { encoding: "utf8" }).split(
      "\n",
    );
    const ours = /^package\/(dist\/.*(\.js|\.d\.ts)|schemas\/.*\.json)$/;
    const others = files.filter((path) => path && !ours.test(path));
    expect(others.sort()).toEqual(["package/LICENSE", "package/README.md", "package/package.json"]);
  });
});

describe.each([strangersNode()])("in an empty folder, on Node $version,", ({ path }) => {
  test("the messages' README program decodes what was published", async () => {
    const project = stranger.install(["messages"], ["@types/node"]);
    const { child, printed, ended } = stranger.run(path, project, [program("messages", project)]);
    const golden = readFileSync(join(ROOT, "test/golden/revision-b-released-v1.json"), "utf8");
    const bodies: string[] = JSON.parse(golden).events.map(
      ({ message }: { message: { body: string } }) => message.body,
    );
    const last = JSON.parse(bodies.at(-1) as string);
    child.stdin.end([...bodies, '{"event_id":"1"}'].join("\n"));
    expect([await ended, printed.err]).toEqual([0, ""]);
    expect(printed.out).toBe(
      `pay ${last.payee} ${last.amount} wei\nThe body of "1" has no event_type.\n`,
    );
  });

  test("the emulator's README program prints what the README says", async () => {
    const project = stranger.install(["pubsub-emulator"], ["@google-cloud/pubsub", "@types/node"]);
    const { printed, ended } = stranger.run(path, project, [program("pubsub-emulator", project)]);
    expect([await ended, printed.err]).toEqual([0, ""]);
    const readme = readFileSync(join(ROOT, "packages/pubsub-emulator/README.md"), "utf8");
    expect(printed.out).toBe(/```text\n(.*?)```/s.exec(readme)?.[1]);
  });

  test("the emulator's command serves, and stops on Ctrl-C", async () => {
    const project = stranger.install(["pubsub-emulator"]);
    const command = join(project, "node_modules/.bin/pubsub-emulator");
    const { child, printed, ended } = stranger.run(path, project, [command, "--port", "0"]);
    await waitUntil("the emulator listens", () => printed.out.includes("Ctrl-C stops it"));
    child.kill("SIGINT");
    expect([await ended, printed.err]).toEqual([0, ""]);
  });

  test("the consumer's README program applies each message once", async () => {
    const peers = ["@google-cloud/pubsub", "pg"];
    const project = stranger.install(["consumer"], peers);
    const [database, server] = await Promise.all([startConsumerDatabase(), startPubsubServer()]);
    const clients = new PubsubClients(server.address);
    try {
      const topic = await clients.createTopic();
      await clients.createSubscription(topic, { enableMessageOrdering: true }, "payouts");
      for (const sequence of [1, 1, 2, 3, 2, 3]) {
        const fields = { payee: "0xb", amount: "115792089237316195423570985008687907853" };
        const eventType = sequence === 3 ? "EscrowReleased" : "Approved";
        const of = { publication: "settlement.events.v1", attributes: { finality: "final" } };
        const { data, attributes, orderingKey } = eventMessage({
          ...{ ...of, sequence, eventType, fields },
        });
        const message = { data, attributes: { ...attributes }, orderingKey: orderingKey ?? null };
        await clients.publisher.publish({ topic, messages: [message] }, ONCE);
      }
      const { child, printed, ended } = stranger.run(
        path,
        project,
        [program("consumer", project)],
        {
          DATABASE_URL: database.url,
          PUBSUB_EMULATOR_HOST: server.address,
          GOOGLE_CLOUD_PROJECT: "p1",
        },
      );
      const subscription = "projects/p1/subscriptions/payouts";
      await waitUntil(
        "everything is acknowledged",
        () => printed.err !== "" || server.stats().subscriptions[subscription]?.open === 0,
      );
      child.kill("SIGTERM");
      expect([await ended, printed.err]).toEqual([0, ""]);
      expect(printed.out).toMatch(/applied: 3,\s+duplicates: 3,/);
      expect((await database.pool.query("select * from payout")).rows).toEqual([
        { event_id: "1:0xa-3", payee: "0xb", wei: "115792089237316195423570985008687907853" },
      ]);
    } finally {
      await clients.close();
      await Promise.all([server.stop(), database.stop()]);
    }
  });

  test("the relay's README program publishes what it committed, in order per customer", async () => {
    const project = stranger.install(["relay"], ["pg", "pino", "@types/node", "@types/pg"]);
    const [database, server] = await Promise.all([startConsumerDatabase(), startPubsubServer()]);
    const recorder = await TopicRecorder.start(server.address, "shop", ["orders.events.v1"]);
    try {
      const { child, ended, printed } = stranger.run(path, project, [program("relay", project)], {
        DATABASE_URL: database.url,
        PUBSUB_EMULATOR_HOST: server.address,
      });
      const received = () => recorder.on("orders.events.v1");
      await waitUntil("the messages", () => printed.err !== "" || received().length >= 3);
      child.kill("SIGTERM");
      expect([await ended, printed.err]).toEqual([0, ""]);
      const inWords = received().map(({ orderingKey, body, attributes }) =>
        [orderingKey, attributes.sequence, attributes.type, JSON.parse(body).item].join(" "),
      );
      expect(inWords.sort()).toEqual([
        "customer-7 1 ItemBought tea",
        "customer-7 2 ItemBought a pot",
        "customer-9 1 ItemBought coffee",
      ]);
    } finally {
      await recorder.stop();
      await Promise.all([server.stop(), database.stop()]);
    }
  });
});
