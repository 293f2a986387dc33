import pg from "pg";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Chain } from "../../config/chain-deployment.ts";
import { finalRequiresSection } from "../../config/final-requires.ts";
import { compareCheckpoints } from "../../engine/checkpoint.ts";
import { ensureWitnessTables } from "../../engine/witness-tables.ts";
import { runWitness } from "../../proof/witness/run-witness.ts";
import { LostLease, WitnessLease } from "../../proof/witness/witness-lease.ts";
import type { ChainWitnessStatus } from "../../proof/witness/witness-status.ts";
import { auditedChain, storedEvents } from "../audit/audited-chain.ts";
import { ChainNode } from "../forks/chain-node.ts";
import { ChainSimulator } from "../forks/chain-simulator.ts";
import { FACTORIES } from "../forks/deal.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { waitUntil } from "../support/wait-until.ts";

/* The witness as a process: several chains, what it tells, and how it leaves a chain to another one. */

const world = new RelayWorld();
const endings: (() => Promise<unknown>)[] = [];
beforeAll(() => world.start());
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});
afterAll(() => world.stop());

const FINAL_DEPTH = 30;
const factories = (["A", "B"] as const).map((revision) => ({
  ...{ address: FACTORIES[revision], startBlock: 1, revision },
}));

function configured(chainId: number, url: string): Chain {
  return {
    ...{ name: `chain-${chainId}`, chainId, factories, rpcUrls: [url] },
    ...{ pollIntervalMs: 50, rpcRequestsPerSecond: 10_000 },
  };
}

test("a chain whose endpoint is dead delays no other, and each says how it stands [G-22]", async () => {
  const { pool, url } = await world.database();
  const [one, two] = [41_001, 41_002].map((chainId) =>
    auditedChain("two chains", { chainId, blocks: 20, deals: 6 }),
  ) as [ReturnType<typeof auditedChain>, ReturnType<typeof auditedChain>];
  const deployment = await StandInDeployment.create(pool);
  await deployment.holds(
    [one, two].flatMap(storedEvents).sort((a, b) => compareCheckpoints(a.position, b.position)),
    [one, two].map(({ chainId, head }) => ({
      ...{ chainId, latest: head.number, finalized: head.number - FINAL_DEPTH },
    })),
  );
  const node = new ChainNode(one);
  const simulator = await ChainSimulator.start([node]);
  endings.push(() => simulator.stop());
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const running = runWitness({
    databaseUrl: url,
    chains: [
      configured(two.chainId, "http://127.0.0.1:9"),
      configured(one.chainId, simulator.urlOf(node)),
    ],
    finalRequires: finalRequiresSection.parse({ FINAL_REQUIRES: "verified" }),
    listening: { port: 0, hostname: "127.0.0.1" },
    log: pino({ level: "silent" }),
    signal: stop.signal,
    onListening: listening.resolve,
  });
  endings.push(async () => {
    stop.abort();
    await running;
  });
  const ask = async (path: string) =>
    await fetch(`http://127.0.0.1:${await listening.promise}${path}`);
  const statusOf = async ({ chainId }: { chainId: number }) => {
    const { chains } = (await (await ask("/status")).json()) as { chains: ChainWitnessStatus[] };
    return chains.find((each) => each.chainId === chainId);
  };
  const final = one.head.number - FINAL_DEPTH;
  await waitUntil(
    "the living chain is verified",
    async () => (await statusOf(one))?.verifiedThrough === final,
  );
  await waitUntil("the dead one says so", async () => (await statusOf(two))?.problem !== null);
  expect(await statusOf(one)).toMatchObject({
    ...{ isAtWork: true, engineFinal: final, provenThrough: final, basis: "proof" },
    namedBy: { endpoints: 1, independent: 1 },
  });
  expect((await ask("/health")).status).toBe(200);
  const ready = await ask("/ready");
  expect(ready.status).toBe(503);
  expect(await ready.text()).toContain(`chain ${two.chainId}: `);
  const metrics = await (await ask("/metrics")).text();
  expect(metrics).toContain(`witness_verified_block{chain="${one.chainId}"} ${final}`);
  expect(metrics).toContain(`witness_findings{chain="${one.chainId}"} 0`);
});

test("a former owner of a lease writes nothing", async () => {
  const { pool, url } = await world.database();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await ensureWitnessTables(client);
  await client.end();
  const [former, next] = ["former", "next"].map(
    (owner) => new WitnessLease(pool, 1, owner, 60_000),
  );
  if (former === undefined || next === undefined) throw new Error("no lease");
  expect(await former.take()).toBe(true);
  expect(await next.take()).toBe(false);
  await pool.query("update witness.lease set expires_at = now() - interval '1 second'");
  expect(await next.take()).toBe(true);
  const write = former.write((each) =>
    each.query("insert into witness.verified values ('late', 1, 9, null, 'proof', 0)"),
  );
  await expect(write).rejects.toBeInstanceOf(LostLease);
  const { rows } = await pool.query("select from witness.verified");
  expect(rows).toEqual([]);
  await next.release();
  expect(await former.take()).toBe(true);
  await former.release();
});
