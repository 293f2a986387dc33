import type { Address } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCall, partyCall } from "../../local/chain/escrow-call.ts";
import { reorgChain } from "../../local/chain/reorg-chain.ts";
import { expectMessages } from "../support/expect-messages.ts";
import { escrowsOn, expectedIds, expectedMessages } from "../support/expected-messages.ts";
import { type RealService, realService } from "../support/real-service.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";

let world: TestWorld;
let chain: TestChain;
let service: RealService;

beforeAll(async () => {
  world = await TestWorld.create();
  chain = world.ends(await TestChain.start(41_004));
  service = await realService(world, chain);
  service.start();
});

afterAll(() => world?.end());

test("When the chain replaces blocks, the read models follow and the final topic only ever tells the canonical history", async () => {
  const { recorder } = service;
  const kept = await chain.create("B", { releaseDelay: 86_400 });
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));

  // Three blocks that will be dropped: an approval, an escrow that is never seen again, and one
  // whose address the next creation gets.
  await chain.call(chain.payer, kept, "approve");
  const dropped = await chain.create("A", { isDeterministic: true });
  const reborn = await chain.create("B");
  const before = await expectedIds(chain);
  await recorder.waitForIds(LATEST_TOPIC, before);
  await waitUntil("the dropped escrow is in the read models", () => hasEscrow(dropped));

  // In their place: the same approval in another block, and a creation with other terms.
  const approval = partyCall(chain.payer, kept, "approve");
  const creation = createCall({
    factory: chain.factories.revisionB.address,
    payer: chain.stranger,
    payee: chain.payee,
    arbiter: undefined,
    amount: 7n,
    releaseDelay: 0,
    approvalsRequired: 1,
  });
  await reorgChain({
    rpcUrl: chain.rpcUrl,
    depth: 3,
    transactions: [
      { from: approval.from, to: approval.to, data: approval.data, inBlock: 1 },
      { from: creation.from, to: creation.to, data: creation.data, value: 7n, inBlock: 2 },
    ],
  });
  // The engine sees a reorg by the block after it.
  await chain.makeDeals();
  const canonical = await expectedIds(chain);
  const gone = before.filter((id) => !canonical.includes(id));
  expect(gone).toHaveLength(5);
  const escrows = await escrowsOn(chain);
  expect(escrows).not.toContain(dropped.toLowerCase());
  expect(escrows).toContain(reborn.toLowerCase());

  await recorder.waitForIds(LATEST_TOPIC, canonical);
  await waitUntil("the read models hold the canonical history", async () => {
    expect(await storedIds("event")).toEqual(canonical);
    return true;
  });
  expect(await storedIds("outbox")).toEqual(canonical);
  expect(await hasEscrow(dropped)).toBe(false);
  const [row] = await world.query(
    service.databaseUrl,
    "select approvals_given, version, anomalies from escrow.escrow where address = $1",
    [kept],
  );
  expect(row).toEqual({ approvals_given: 1, version: 3, anomalies: 0 });
  const [other] = await world.query(
    service.databaseUrl,
    "select payer, amount::text, version, anomalies from escrow.escrow where address = $1",
    [reborn],
  );
  const payer = chain.stranger.toLowerCase();
  expect(other).toEqual({ payer, amount: "7", version: 2, anomalies: 0 });

  await chain.makeFinal();
  await recorder.waitForIds(FINAL_TOPIC, canonical);
  await service.allReceived();
  expectMessages(recorder.on(FINAL_TOPIC), await expectedMessages(chain, FINAL_TOPIC));

  // Every fact that ever stood in the chain was told as it came, each once.
  const told = recorder.idsOn(LATEST_TOPIC);
  for (const id of [...gone, ...canonical])
    expect(told.filter((each) => each === id)).toEqual([id]);
});

async function storedIds(table: "event" | "outbox"): Promise<string[]> {
  const rows = await world.query<{ id: string }>(
    service.databaseUrl,
    `select ${table === "event" ? "id" : "event_id as id"} from escrow.${table} order by position`,
  );
  return rows.map(({ id }) => id);
}

async function hasEscrow(address: Address): Promise<boolean> {
  const response = await fetch(`${service.apiUrl}/v1/escrows/${chain.chainId}/${address}`);
  if (!response.ok && response.status !== 404) throw new Error(await response.text());
  return response.ok;
}
