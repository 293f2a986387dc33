import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startConsumerDatabase } from "../support/consumer-database.ts";
import { eventMessage } from "../support/consumer-messages.ts";
import { emptyProject } from "../support/empty-project.ts";
import { nodeVersions } from "../support/node-versions.ts";
import { packPackages } from "../support/packed-packages.ts";
import { ONCE, PubsubClients } from "../support/pubsub-clients.ts";
import { readmeProgram } from "../support/readme-program.ts";
import { waitUntil } from "../support/wait-until.ts";

/* The packages as strangers get them: packed, installed in an empty folder, on the Nodes they claim. */

process.env.METADATA_SERVER_DETECTION = "none";

const ROOT = join(import.meta.dirname, "../..");
const NAMES = ["consumer", "messages", "pubsub-emulator", "relay"];
const MANIFEST = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const INSTALLED: Record<string, string> = { ...MANIFEST.devDependencies, ...MANIFEST.dependencies };

let folder: string;
let tarballs: Map<string, string>;
const children: ChildProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "escrow-packages-"));
  tarballs = packPackages(folder);
});

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const bin = (name: string) => join(ROOT, "node_modules/.bin", name);
const tarball = (name: string) => tarballs.get(`@escrow-stream/${name}`) as string;

/** A folder with the named packages of ours from their tarballs, and others as the project has them. */
function install(ours: string[], others: string[] = []): string {
  const place = join(folder, [...ours, ...others].join(" ").replaceAll("/", "-"));
  if (existsSync(place)) return place;
  return emptyProject(place, {
    ...Object.fromEntries(ours.map((each) => [`@escrow-stream/${each}`, `file:${tarball(each)}`])),
    ...Object.fromEntries(others.map((each) => [each, INSTALLED[each] as string])),
  });
}

function run(node: string, cwd: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(node, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: "pipe",
  });
  children.push(child);
  const printed = { out: "", err: "" };
  child.stdout.on("data", (text) => {
    printed.out += text;
  });
  child.stderr.on("data", (text) => {
    printed.err += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, printed, ended };
}

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
    execFileSync(bin("publint"), ["run", tarball(name), "--strict"], { stdio: "pipe" });
    execFileSync(bin("attw"), [tarball(name), "--profile", "esm-only"], { stdio: "pipe" });
    const files = execFileSync("tar", ["tzf", tarball(name)], { encoding: "utf8" }).split("\n");
    const ours = /^package\/(dist\/.*(\.js|\.d\.ts)|schemas\/.*\.json)$/;
    const others = files.filter((path) => path && !ours.test(path));
    expect(others.sort()).toEqual(["package/LICENSE", "package/README.md", "package/package.json"]);
  });
});

describe.each(nodeVersions())("in an empty folder, on Node $version,", ({ path }) => {
  test("the messages' README program decodes what was published", async () => {
    const project = install(["messages"], ["@types/node"]);
    const { child, printed, ended } = run(path, project, [program("messages", project)]);
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
    const project = install(["pubsub-emulator"], ["@google-cloud/pubsub", "@types/node"]);
    const { printed, ended } = run(path, project, [program("pubsub-emulator", project)]);
    expect([await ended, printed.err]).toEqual([0, ""]);
    const readme = readFileSync(join(ROOT, "packages/pubsub-emulator/README.md"), "utf8");
    expect(printed.out).toBe(/```text\n(.*?)```/s.exec(readme)?.[1]);
  });

  test("the emulator's command serves, and stops on Ctrl-C", async () => {
    const project = install(["pubsub-emulator"]);
    const command = join(project, "node_modules/.bin/pubsub-emulator");
    const { child, printed, ended } = run(path, project, [command, "--port", "0"]);
    await waitUntil("the emulator listens", () => printed.out.includes("Ctrl-C stops it"));
    child.kill("SIGINT");
    expect([await ended, printed.err]).toEqual([0, ""]);
  });

  test("the consumer's README program applies each message once", async () => {
    const peers = ["@google-cloud/pubsub", "pg"];
    const project = install(["consumer", "messages"], peers);
    const [database, server] = await Promise.all([startConsumerDatabase(), startPubsubServer()]);
    const clients = new PubsubClients(server.address);
    try {
      const topic = await clients.createTopic();
      await clients.createSubscription(topic, { enableMessageOrdering: true }, "payouts");
      for (const sequence of [1, 1, 2, 3, 2, 3]) {
        const fields = { payee: "0xb", amount: "115792089237316195423570985008687907853" };
        const eventType = sequence === 3 ? "EscrowReleased" : "Approved";
        const { data, attributes, orderingKey } = eventMessage({ sequence, eventType, fields });
        const message = { data, attributes: { ...attributes }, orderingKey: orderingKey ?? null };
        await clients.publisher.publish({ topic, messages: [message] }, ONCE);
      }
      const { child, printed, ended } = run(path, project, [program("consumer", project)], {
        DATABASE_URL: database.url,
        PUBSUB_EMULATOR_HOST: server.address,
        GOOGLE_CLOUD_PROJECT: "p1",
      });
      const subscription = "projects/p1/subscriptions/payouts";
      await waitUntil(
        "everything is acknowledged",
        () => printed.err !== "" || server.stats().subscriptions[subscription]?.unsettled === 0,
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
});
