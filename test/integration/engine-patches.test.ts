import { numberToHex } from "viem";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { ChainNode } from "../forks/chain-node.ts";
import { ChainSimulator } from "../forks/chain-simulator.ts";
import { Deal } from "../forks/deal.ts";
import { SimulatedChain } from "../forks/simulated-chain.ts";
import type { Transaction } from "../forks/transaction.ts";
import { escrowFilter, FACTORY_ID } from "../support/engine-filter.ts";
import { loadEngine } from "../support/load-engine.ts";
import { silentLogger } from "../support/silent-logger.ts";

/* The patched engine, following a simulated chain whose nodes disagree. */

type SyncEvent = {
  type: "block" | "reorg" | "finalize";
  block: { number: string; hash: string };
  logs?: { address: string }[];
  knownChildren?: Map<string, Map<string, number>>;
};
type RealtimeSync = { sync(block: unknown): AsyncGenerator<SyncEvent> };

let createRealtimeSync: (args: unknown) => RealtimeSync;
let chain: SimulatedChain;
let node: ChainNode;
let simulator: ChainSimulator;
let random: SeededRandom;
let children: Map<string, Map<string, number>>;
let sync: RealtimeSync;
/** Whether the node that is asked for a block by its hash has not heard of it. */
let isIgnorant = false;
/** What the engine warns of. */
let warnings: string[];

beforeAll(async () => {
  ({ createRealtimeSync } = await loadEngine<{ createRealtimeSync: typeof createRealtimeSync }>(
    "sync-realtime/index.js",
  ));
});

beforeEach(async () => {
  warnings = [];
  const warn = ({ msg }: { msg: string }) => warnings.push(msg);
  random = new SeededRandom("engine-patches");
  chain = new SimulatedChain(41_301, "engine-patches");
  chain.mine(empty(3));
  node = new ChainNode(chain);
  simulator = await ChainSimulator.start([node]);
  children = new Map([[FACTORY_ID, new Map()]]);
  const { number, hash, timestamp } = chain.head;
  const finalized = { number: numberToHex(number), hash, timestamp: numberToHex(timestamp) };
  sync = createRealtimeSync({
    common: { logger: { ...silentLogger(), warn }, shutdown: { isKilled: false } },
    chain: { name: "simulated", id: chain.chainId, finalityBlockCount: 30, pollingInterval: 1_000 },
    rpc: { request: ask },
    eventCallbacks: [{ filter: escrowFilter(chain.chainId) }],
    syncProgress: { finalized },
    childAddresses: children,
  });
});

afterEach(() => simulator.stop());

test("a reorg that a node's ignorance interrupted leaves nothing of it half done", async () => {
  const creation = newDeal();
  chain.mine([...empty(2), { transactions: [creation], secondsLater: 1 }]);
  await look();
  const { number } = chain.head;
  const dropped = chain.fork(number - 2, empty(2));
  isIgnorant = true;
  expect(await look()).toEqual([]);
  isIgnorant = false;
  expect(await look()).toMatchObject([reorgTo(number - 2)]);
  expect(children.get(FACTORY_ID)).toEqual(new Map());

  // Interrupted again, and this time the chain thinks better of all but the last block.
  chain.adopt(dropped);
  await look();
  await look();
  chain.fork(number - 2, empty(2));
  isIgnorant = true;
  expect(await look()).toEqual([]);
  isIgnorant = false;
  chain.adopt(dropped);
  chain.fork(number - 1, empty(1));
  expect(await look()).toMatchObject([reorgTo(number - 1)]);
  expect(children.get(FACTORY_ID)).toEqual(new Map());
});

test("a head that was built upon already is not taken for a reorg", async () => {
  chain.mine(empty(2));
  const old = await latest();
  chain.mine(empty(1));
  expect(await look()).toHaveLength(3);
  expect(await eventsOf(old)).toEqual([]);
});

test("a head behind the final block is an alarm only when the final block was replaced", async () => {
  const final = chain.head.number;
  const old = await blockAt(final - 1);
  chain.mine(empty(3));
  expect(await look()).toHaveLength(3);
  expect(await eventsOf(old)).toEqual([]);
  expect(await eventsOf(await blockAt(final))).toEqual([]);
  expect(warnings).toEqual([]);

  // As a node tells it that has not got so far.
  chain.forkDeep(final - 1, []);
  expect(await eventsOf(await latest())).toEqual([]);
  expect(warnings).toEqual([]);
  chain.mine(empty(1));
  expect(await eventsOf(await latest())).toEqual([]);
  expect(warnings).toContain("Encountered unrecoverable reorg");
});

test("a block that waits to be indexed keeps the escrows that were known when it came, whatever is followed meanwhile", async () => {
  const creation = newDeal();
  chain.mine([{ transactions: [creation], secondsLater: 1 }]);
  const [waiting] = await look();
  chain.fork(chain.head.number - 1, empty(2));
  await look();
  expect(children.get(FACTORY_ID)).toEqual(new Map());
  expect(waiting?.logs).toHaveLength(1);
  expect(waiting?.knownChildren?.get(FACTORY_ID)?.get(creation.escrow ?? "")).toBe(
    Number(waiting?.block.number),
  );
});

function reorgTo(number: number) {
  return { type: "reorg", block: { number: numberToHex(number) } };
}

/** What the engine makes of the node's head. */
async function look(): Promise<SyncEvent[]> {
  return eventsOf(await latest());
}

async function eventsOf(block: unknown): Promise<SyncEvent[]> {
  const events: SyncEvent[] = [];
  for await (const event of sync.sync(block)) events.push(event);
  return events;
}

function latest(): Promise<unknown> {
  return blockAt("latest");
}

function blockAt(number: number | "latest"): Promise<unknown> {
  const block = number === "latest" ? number : numberToHex(number);
  return ask({ method: "eth_getBlockByNumber", params: [block, true] });
}

async function ask(request: { method: string; params: unknown[] }): Promise<unknown> {
  if (isIgnorant && request.method === "eth_getBlockByHash") return null;
  const response = await fetch(simulator.urlOf(node), {
    method: "POST",
    body: JSON.stringify({ id: 1, ...request }),
  });
  const { result, error } = (await response.json()) as { result?: unknown; error?: object };
  if (error !== undefined) throw new Error(JSON.stringify(error));
  return result;
}

function newDeal(): Transaction {
  for (;;) {
    const deal = new Deal(random);
    const creation = deal.next([]);
    if (deal.revision === "A" && creation !== null) return creation;
  }
}

function empty(count: number) {
  return Array.from({ length: count }, () => ({ transactions: [], secondsLater: 2 }));
}
