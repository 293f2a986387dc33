import { type Hex, numberToHex } from "viem";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { reorgChain } from "../../local/chain/reorg-chain.ts";
import { openSources } from "../../source/open-sources.ts";
import { type RpcServer, serveRpc } from "../../source/serve-rpc.ts";
import { type Lie, LyingNode } from "../lies/lying-node.ts";
import { TestChain } from "../support/test-chain.ts";

/* One chain's node hangs, lies or forks: what another chain is asked is answered all the same. */

type Block = { number: Hex; hash: Hex };

const QUESTIONS = 200;

let chains: [TestChain, TestChain];
let nodes: [LyingNode, LyingNode];
let rpc: RpcServer;
let letGo: () => void;
let held: Promise<void>;

beforeAll(async () => {
  chains = await Promise.all([TestChain.start(41_905), TestChain.start(41_906)]);
  for (const chain of chains) for (let round = 0; round < 3; round++) await chain.makeDeals();
  nodes = (await Promise.all(chains.map(({ rpcUrl }) => LyingNode.start(rpcUrl)))) as never;
  const places = chains.map(({ chainId, factories }, at) => ({
    ...{ name: `chain-${chainId}`, chainId, pollIntervalMs: 1_000, rpcRequestsPerSecond: 10_000 },
    rpcUrls: [nodes[at]?.url ?? ""],
    factories: [factories.revisionA, factories.revisionB],
  }));
  rpc = await serveRpc(openSources(places, () => undefined));
  held = new Promise((resolve) => {
    letGo = resolve;
  });
});

afterEach(() => {
  for (const node of nodes) node.lie = (_, answer) => answer;
});

afterAll(async () => {
  letGo?.();
  await rpc?.stop();
  for (const node of nodes ?? []) await node.stop();
  for (const chain of chains ?? []) await chain.stop();
});

async function ask<T>(chain: TestChain, method: string, params: unknown[]): Promise<T> {
  const response = await fetch(rpc.urlOf(chain.chainId), {
    method: "POST",
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const { result, error } = (await response.json()) as { result: T; error?: { message: string } };
  if (error) throw new Error(error.message);
  return result;
}

/** What an engine would ask of a whole chain. */
async function readAll(chain: TestChain): Promise<{ hashes: Hex[]; logs: number }> {
  const head = Number(await ask<Hex>(chain, "eth_blockNumber", []));
  const range = { fromBlock: "0x0", toBlock: numberToHex(head) };
  const logs = await ask<object[]>(chain, "eth_getLogs", [range]);
  const hashes: Hex[] = [];
  let live = 0;
  for (let number = 0; number <= head; number++) {
    const block = await ask<Block>(chain, "eth_getBlockByNumber", [numberToHex(number), true]);
    hashes.push(block.hash);
    live += (await ask<object[]>(chain, "eth_getLogs", [{ blockHash: block.hash }])).length;
  }
  expect(live).toBe(logs.length);
  return { hashes, logs: live };
}

const hanging: Lie = async (_, answer) => {
  await held;
  return answer;
};
const lying: Lie = ({ method }, answer) => {
  if (method.startsWith("eth_getBlockBy")) return { ...(answer as object), stateRoot: "0x12" };
  return method === "eth_getLogs" ? [{ removed: true }] : answer;
};

test.each([
  ["hangs", hanging],
  ["lies whenever it is asked", lying],
])("a node that %s delays no other chain [G-20]", async (_, lie) => {
  const [ill, well] = chains;
  const expected = await readAll(well);
  nodes[0].lie = lie;
  let answered = 0;
  const given = Array.from({ length: QUESTIONS }, (_, at) =>
    ask(ill, "eth_getBlockByNumber", [numberToHex(5 + (at % 9)), at < 9]).then(
      () => answered++,
      () => undefined,
    ),
  );
  expect(await readAll(well)).toEqual(expected);
  expect(answered).toBe(0);
  nodes[0].lie = (_, answer) => answer;
  letGo();
  await Promise.all(given);
});

test("a chain that forks again and again delays no other, and is read as it is [G-20]", async () => {
  const [forking, well] = chains;
  const expected = await readAll(well);
  let isDone = false;
  const forks = (async () => {
    for (let count = 0; !isDone || count < 3; count++) {
      // Without a transaction that is dropped, the new block would be the old one.
      await forking.create("A");
      await reorgChain({ rpcUrl: forking.rpcUrl, depth: 1 });
    }
  })();
  const reading = (async () => {
    while (!isDone) await ask(forking, "eth_getBlockByNumber", ["latest", true]);
  })();
  expect(await readAll(well)).toEqual(expected);
  isDone = true;
  await Promise.all([forks, reading]);
  const head = (await nodes[0].truth("eth_getBlockByNumber", ["latest", false])) as Block;
  expect((await readAll(forking)).hashes.at(-1)).toBe(head.hash);
});
