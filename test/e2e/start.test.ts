import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { expectMessages } from "../support/expect-messages.ts";
import { expectedIds, expectedMessages } from "../support/expected-messages.ts";
import { attackAsReader } from "../support/hostile-reader.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import { TopicRecorder } from "../support/topic-recorder.ts";
import { waitUntil } from "../support/wait-until.ts";

type Summary = {
  chains: { chainId: number; head: number; indexed: number; finalized: number }[];
  escrows: number;
  events: number;
  published: Record<string, number>;
  anomalies: number;
  seconds: number;
};

let world: TestWorld;

beforeAll(async () => {
  world = await TestWorld.create();
});
afterEach(() => world.endTest());
afterAll(() => world?.end());

test("npm start without any configuration shows escrows on both topics and ends with a summary that agrees, whatever a reader does meanwhile [G-26]", async () => {
  const folder = world.freshFolder();
  const args = ["--for", "15s", "--events-per-second", "10", "--data-dir", folder];
  const POSTGRES_PORT = String(await freePort());
  const service = world.ends(new ServiceProcess("start", { args, env: { POSTGRES_PORT } }));
  const attacked = await attackAsReader(
    `postgres://escrow_reader:reader@127.0.0.1:${POSTGRES_PORT}/escrow`,
  );
  expect(attacked).toEqual({
    roles: ["escrow_api", "escrow_indexer", "escrow_reader", "escrow_relay"],
    hasSuperuser: false,
    connections: 40,
  });
  expect(statSync(join(folder, "postgres-superuser")).mode & 0o777).toBe(0o600);
  const exit = await service.exited;
  expect(exit, service.output.slice(-5_000)).toEqual({ code: 0, signal: null });
  expect(service.output).not.toMatch(/is started again|ES-/);

  const { summary } = JSON.parse(service.stdoutLines.at(-1) ?? "") as { summary: Summary };
  expect(summary.events).toBeGreaterThan(10);
  expect(summary.escrows).toBeGreaterThan(0);
  expect(summary.published).toEqual({
    [FINAL_TOPIC]: summary.events,
    [LATEST_TOPIC]: summary.events,
  });
  expect(summary.anomalies).toBe(0);
  expect(summary.seconds).toBeGreaterThanOrEqual(15);
  expect(summary.chains).toMatchObject([{ chainId: 31_337 }]);
  // Without a terminal, every line on standard output is JSON.
  for (const line of service.stdoutLines) expect(() => JSON.parse(line), line).not.toThrow();
});

test("A chain, a factory and a port in the environment are enough for any Pub/Sub client to get every event", async () => {
  const chain = world.ends(await TestChain.start(41_006));
  const { address, startBlock } = chain.factories.revisionB;
  const escrow = await chain.create("B");
  const pubsubPort = await freePort();
  const env = {
    CHAIN_ID: String(chain.chainId),
    RPC_URL: chain.rpcUrl,
    CONTRACT_ADDRESS: address,
    START_BLOCK: String(startBlock),
    PUBSUB_PORT: String(pubsubPort),
  };
  const args = ["--data-dir", world.freshFolder()];
  const service = world.ends(new ServiceProcess("start", { env, args }));
  const recorder = world.ends(
    await waitUntil("the embedded Pub/Sub server answers", () =>
      TopicRecorder.start(`127.0.0.1:${pubsubPort}`, "local", [LATEST_TOPIC, FINAL_TOPIC]),
    ),
  );
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));
  await chain.call(chain.payer, escrow, "approve");
  await chain.call(chain.payee, escrow, "approve");
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));
  await chain.makeFinal();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  expect(await service.stop()).toEqual({ code: 0, signal: null });
  for (const topic of [LATEST_TOPIC, FINAL_TOPIC])
    expectMessages(recorder.on(topic), await expectedMessages(chain, topic));
});

test("npm start -- --help lists every option and ends", async () => {
  const service = new ServiceProcess("start", { args: ["--help"] });
  expect(await service.exited).toEqual({ code: 0, signal: null });
  for (const word of ["--for", "--seed", "--data-dir", "RPC_URL", "PUBSUB_PORT", "DEPLOYMENTS"])
    expect(service.output).toContain(word);
});
