import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { startClosedPubsub } from "../support/closed-pubsub.ts";
import { startOldPostgres } from "../support/old-postgres.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, TestWorld } from "../support/test-world.ts";

/*
 * Every mistake is told in plain words that name what to change, the process ends with the exit
 * code for configuration, and nothing is left half-done.
 */

const EXIT_CONFIG = 78;
/** What is named does not answer now: starting again may help. */
const EXIT_RETRY = 75;
const NOBODY = "0x000000000000000000000000000000000000dEaD";

let world: TestWorld;
let chain: TestChain;
let databaseUrl: string;
let good: Record<string, string>;

beforeAll(async () => {
  world = await TestWorld.create();
  chain = await TestChain.start(41_007);
  databaseUrl = await world.createDatabase();
  good = {
    CHAIN_ID: "41007",
    RPC_URL: chain.rpcUrl,
    CONTRACT_ADDRESS: chain.factories.revisionB.address,
    DATABASE_URL: databaseUrl,
    PUBSUB_PROJECT_ID: "real-project",
    PUBSUB_EMULATOR_HOST: world.pubsub.address,
    PUBSUB_CREATE: "true",
  };
});

afterEach(async () => {
  await world.endTest();
  expect(await schemas(), "nothing may be begun in the database").toEqual([]);
});

afterAll(async () => {
  await chain?.stop();
  await world?.end();
});

describe("npm start refuses", () => {
  test.each([
    ["an address that is none", { CONTRACT_ADDRESS: "0x123" }, ["CONTRACT_ADDRESS", "0x123"]],
    ["an address where no contract is", { CONTRACT_ADDRESS: NOBODY }, [NOBODY.toLowerCase()]],
    ["another chain behind the RPC endpoint", { CHAIN_ID: "5" }, ["chain 5", "is of chain 41007"]],
    ["a start block that lies ahead", { START_BLOCK: "99999" }, ["start block 99999"]],
    ["a topic id that Pub/Sub would refuse", { PUBSUB_TOPIC_ID: "goog-x" }, ["PUBSUB_TOPIC_ID"]],
    [
      "a missing topic",
      { PUBSUB_CREATE: "false", PUBSUB_PROJECT_ID: "empty" },
      [FINAL_TOPIC, "PUBSUB_CREATE=true"],
    ],
  ])("%s", async (_, wrong: Record<string, string>, said) => {
    await expectRefused({ ...good, ...wrong }, said);
  });

  test("an RPC endpoint that does not answer", async () => {
    const port = await freePort();
    await expectRefused(
      { ...good, RPC_URL: `http://127.0.0.1:${port}/v2/secret-key` },
      ["no RPC endpoint answers", `127.0.0.1:${port}`],
      [],
      EXIT_RETRY,
    );
  });

  test("a database that does not answer, without printing its password", async () => {
    const port = await freePort();
    const output = await expectRefused(
      { ...good, DATABASE_URL: `postgres://me:hunter2@127.0.0.1:${port}/db` },
      ["DATABASE_URL", `127.0.0.1:${port}`],
      [],
      EXIT_RETRY,
    );
    expect(output).not.toContain("hunter2");
  });

  test("a database that does not know the password", async () => {
    const url = databaseUrl.replace(/\/\/[^@]+@/, "//escrow:wrong@");
    await expectRefused({ ...good, DATABASE_URL: url }, ["DATABASE_URL", "password"]);
  });

  test("a PostgreSQL that is too old", async () => {
    const old = world.ends(await startOldPostgres("13.4"));
    await expectRefused({ ...good, DATABASE_URL: old.url }, [
      "DATABASE_URL",
      "13 is too old",
      "14",
    ]);
  });

  test("a database user who may not create schemas", async () => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query("create role reader login password 'reader'");
    await client.end();
    const url = databaseUrl.replace(/\/\/[^@]+@/, "//reader:reader@");
    await expectRefused({ ...good, DATABASE_URL: url }, ["DATABASE_URL", "reader", "grant create"]);
  });

  test("credentials that may not publish to the topic", async () => {
    const closed = world.ends(await startClosedPubsub());
    await expectRefused({ ...good, PUBSUB_EMULATOR_HOST: closed.host }, [
      FINAL_TOPIC,
      "may not publish",
    ]);
  });

  test("a Pub/Sub that does not answer", async () => {
    const port = await freePort();
    await expectRefused(
      { ...good, PUBSUB_EMULATOR_HOST: `127.0.0.1:${port}` },
      ["PUBSUB_EMULATOR_HOST", `127.0.0.1:${port}`],
      [],
      EXIT_RETRY,
    );
  });

  test("several malformed variables, all told at once", async () => {
    const wrong = {
      CONTRACT_ADDRESS: "factory",
      START_BLOCK: "latest",
      RPC_URL: "not a url",
      POLL_INTERVAL_SECONDS: "often",
      DATABASE_URL: "mysql://x",
      PUBSUB_CREATE: "yes",
      PUBLICATIONS: "a=b",
      API_PORT: "99999",
    };
    await expectRefused({ ...good, ...wrong }, Object.keys(wrong));
  });

  test.each([
    ["--for", "nonsense"],
    ["--seed", "-1"],
    ["--events-per-second", "many"],
    ["--unknown", "1"],
  ])("%s %s", async (option, value) => {
    await expectRefused(good, [option], [option, value]);
  });

  test.each(["API_PORT", "INDEXER_PORT", "RELAY_PORT"])("a taken %s", async (name) => {
    const taken = world.ends(await listenSomewhere());
    const said = [name, String(taken.port)];
    await expectRefused({ ...good, [name]: String(taken.port) }, said);
  });

  test.each(["PUBSUB_PORT", "POSTGRES_PORT", "CHAIN_PORT"])(
    "a %s that is taken, and starts on a free one later",
    async (name) => {
      const taken = world.ends(await listenSomewhere());
      const {
        DATABASE_URL: _,
        PUBSUB_EMULATOR_HOST: __,
        PUBSUB_PROJECT_ID: ___,
        ...withChain
      } = good;
      // An embedded chain stands in for one that is not named.
      const { CHAIN_ID: _____, RPC_URL: ______, CONTRACT_ADDRESS: _______, ...without } = withChain;
      const embedded = name === "CHAIN_PORT" ? without : withChain;
      const dataDir = world.freshFolder();
      const env = { ...embedded, DATA_DIR: dataDir, [name]: String(taken.port) };
      const refused = new ServiceProcess("start", { env });
      expect((await refused.exited).code, refused.output).toBe(EXIT_CONFIG);
      expect(refused.output).toContain(String(taken.port));
      expect(existsSync(dataDir) ? readdirSync(dataDir) : []).not.toContain("owner.json");

      const env2 = { ...embedded, DATA_DIR: dataDir };
      const args = ["--for", "1ms"];
      const fine = world.ends(new ServiceProcess("start", { env: env2, args }));
      expect((await fine.exited).code, fine.output.slice(-3_000)).toBe(0);
    },
  );
});

describe("npm start refuses a data folder", () => {
  test("where it may not write", async () => {
    const file = join(world.freshFolder(), "file");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "");
    const output = await expectRefused(
      { ...good, DATABASE_URL: "" },
      ["DATA_DIR", "cannot be used"],
      ["--data-dir", join(file, "data")],
    );
    expect(output.split("\n").filter((line) => line.includes("DATA_DIR"))).toHaveLength(1);
  });

  test.runIf(process.getuid?.() === 0)("whose PostgreSQL is another user's", async () => {
    const dataDir = world.freshFolder();
    mkdirSync(join(dataDir, "postgres"), { recursive: true });
    chownSync(join(dataDir, "postgres"), 12_345, 12_345);
    await expectRefused(
      { ...good, DATABASE_URL: "" },
      ["DATA_DIR", "belongs to user 12345"],
      ["--data-dir", dataDir],
    );
  });
});

describe("Each part alone refuses", () => {
  test.each(["indexer", "relay", "api"] as const)(
    "the %s: to start without a database",
    async (command) => {
      const { DATABASE_URL: _, ...env } = good;
      const service = new ServiceProcess(command, { env });
      expect(await service.exited, service.output).toEqual({ code: EXIT_CONFIG, signal: null });
      expect(service.output).toContain("ES-VARIABLE: DATABASE_URL: is not set");
    },
  );

  test.each([
    ["indexer", "INDEXER_PORT"],
    ["relay", "RELAY_PORT"],
    ["api", "API_PORT"],
  ] as const)("the %s: a taken %s, and does not take another port", async (command, name) => {
    const taken = world.ends(await listenSomewhere());
    const service = world.ends(
      new ServiceProcess(command, { env: { ...good, [name]: String(taken.port) } }),
    );
    expect(await service.exited, service.output).toEqual({ code: EXIT_CONFIG, signal: null });
    expect(service.lines).toEqual([
      `ES-PORT: ${name}: cannot listen on 127.0.0.1:${taken.port}: another process listens there`,
    ]);
  });
});

/** @returns what it said */
async function expectRefused(
  env: Record<string, string>,
  said: readonly string[],
  args: string[] = [],
  code = EXIT_CONFIG,
): Promise<string> {
  const dataDir = world.freshFolder();
  const service = world.ends(
    new ServiceProcess("start", { env: { ...env, DATA_DIR: dataDir }, args }),
  );
  const exit = await service.exited;
  expect(exit, service.output).toEqual({ code, signal: null });
  for (const words of said) expect(service.output.toLowerCase()).toContain(words.toLowerCase());
  expect(service.output).toMatch(/\bES-[A-Z-]+: /);
  // Plain words: no stack trace, no secret of an endpoint.
  expect(service.output).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
  expect(service.output).not.toContain("secret-key");
  expect(existsSync(dataDir) ? readdirSync(dataDir) : []).not.toContain("owner.json");
  return service.output;
}

async function schemas(): Promise<string[]> {
  const rows = await world.query<{ name: string }>(
    databaseUrl,
    "select nspname as name from pg_namespace where nspname like 'escrow%' or nspname like '%relay%'",
  );
  return rows.map(({ name }) => name);
}

async function listenSomewhere(): Promise<{ port: number; stop(): void }> {
  const server: Server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, stop: () => void server.close() };
}
