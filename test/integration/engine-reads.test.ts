import { encodeFunctionData, type Hex } from "viem";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import { connectEngine } from "../support/engine-database.ts";
import { loadEngine } from "../support/load-engine.ts";
import { RelayWorld } from "../support/relay-world.ts";

/* How the patched engine reads contracts for its handlers. */

type Client = { readContract(question: object): Promise<Hex> };
type CachedClient = {
  getClient(chain: object): Client;
  prefetch(batch: { events: object[] }): Promise<void>;
  clear(): void;
  event: object;
};
type Asked = { method: string; params: [{ to: Hex; data: Hex }, { blockHash: Hex }] };

const NAME = "EscrowA:EscrowCreated";
const CHAIN = { id: 41_309, name: "simulated" };
const DATA = encodeFunctionData({ abi: escrowAAbi, functionName: "arbiter" });

const world = new RelayWorld();
let stop: () => Promise<void>;
let create: () => { client: CachedClient; index: (event: object) => Promise<Hex> };
let clearCache: () => Promise<unknown>;
let asked: Asked[];
/** Answers of the node, by what was asked; a question waits until there is one. */
let answer: (request: Asked) => Promise<Hex>;

beforeAll(async () => {
  await world.start();
  const { pool, url } = await world.database();
  clearCache = () => pool.query("truncate ponder_sync.rpc_request_results");
  const { common, database } = await connectEngine(url);
  stop = () => common.shutdown.kill();
  const { createSyncStore } = await loadEngine<{ createSyncStore: (args: object) => object }>(
    "sync-store/index.js",
  );
  const { createCachedViemClient } = await loadEngine<{
    createCachedViemClient: (args: object) => CachedClient;
  }>("indexing/client.js");
  const rpc = {
    request: (request: Asked) => {
      asked.push(request);
      return answer(request);
    },
  };
  create = () => {
    const eventCount = { [NAME]: 0 };
    const client = createCachedViemClient({
      ...{ common, eventCount, indexingBuild: { chains: [CHAIN], rpcs: [rpc] } },
      syncStore: createSyncStore({ common, qb: database.syncQB }),
    });
    const contracts = client.getClient(CHAIN);
    const index = async (event: object) => {
      client.event = event;
      const { log } = (event as { event: { log: { address: Hex } } }).event;
      const read = await contracts.readContract({
        ...{ abi: escrowAAbi, address: log.address, functionName: "arbiter" },
      });
      eventCount[NAME] = (eventCount[NAME] ?? 0) + 1;
      // The address comes with its checksum.
      return read.toLowerCase() as Hex;
    };
    return { client, index };
  };
});

afterAll(async () => {
  await stop();
  await world.stop();
});

beforeEach(async () => {
  asked = [];
  answer = async ({ params: [, { blockHash }] }) => `0x${"0".repeat(24)}${blockHash.slice(-40)}`;
  await clearCache();
});

test("a contract is asked at the hash of the event's block, so two branches are two questions", async () => {
  const { index } = create();
  expect(await index(creation(7, "aa"))).toBe(address("aa"));
  expect(await index(creation(7, "bb"))).toBe(address("bb"));
  expect(asked).toEqual(
    ["aa", "bb"].map((branch) => ({
      method: "eth_call",
      params: [{ to: escrow(7), data: DATA }, { blockHash: hash(branch) }],
    })),
  );
});

test("answers are kept under that hash for the next index of the chain", async () => {
  const first = create();
  await first.index(creation(7, "aa"));
  const before = asked.length;
  // The answer is stored beside what the handler does.
  await expect
    .poll(async () => {
      asked = [];
      await create().index(creation(7, "aa"));
      return asked.length;
    })
    .toBe(0);
  expect(before).toBe(1);
  expect(await create().index(creation(7, "bb"))).toBe(address("bb"));
});

test("the reads of the first batch are requested together once the first of them are seen", async () => {
  const { client, index } = create();
  const events = Array.from({ length: 20 }, (_, at) => creation(at + 1, String(10 + at)));
  await client.prefetch({ events });
  const [first, second, third] = events as [object, object, object];
  await index(first);
  const isLearned = index(second);
  await expect.poll(() => asked.length).toBeGreaterThanOrEqual(events.length);
  await isLearned;
  asked = [];
  for (const event of [third, ...events.slice(3)]) await index(event);
  expect(asked).toEqual([]);
});

function creation(block: number, branch: string): object {
  return {
    ...{ type: "log", chain: CHAIN, checkpoint: String(block).padStart(75, "0") },
    eventCallback: { name: NAME },
    event: {
      args: { payer: address("a1"), payee: address("a2") },
      log: { address: escrow(block) },
      block: { number: BigInt(block), hash: hash(branch) },
      transaction: { from: address("a1"), to: address("fa") },
    },
  };
}

function escrow(block: number): Hex {
  return `0x${block.toString(16).padStart(40, "e")}`;
}

function hash(branch: string): Hex {
  return `0x${branch.padStart(64, "c")}`;
}

/** The answer of the stand-in node at a block of that branch. */
function address(branch: string): Hex {
  return `0x${branch.padStart(40, "c")}`;
}
