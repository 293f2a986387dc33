import type { Hex } from "viem";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ChainSource } from "../../source/chain-source.ts";
import { openSources } from "../../source/open-sources.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { type Lie, LyingNode } from "../lies/lying-node.ts";
import { TestChain } from "../support/test-chain.ts";

/* Which transactions a real chain's blocks have, where a node names others. */

type Json = Record<string, unknown>;

const ANOTHER: Hex = `0x${"7a".repeat(32)}`;

let chain: TestChain;
let node: LyingNode;
let honest: LyingNode;
let blocks: { hash: Hex; transactions: Hex[] }[];

beforeAll(async () => {
  chain = await TestChain.start(41_902);
  await chain.makeDeals();
  [node, honest] = await Promise.all([
    LyingNode.start(chain.rpcUrl),
    LyingNode.start(chain.rpcUrl),
  ]);
  const head = Number(await chain.client.getBlockNumber());
  blocks = await Promise.all(
    Array.from(
      { length: head },
      (_, at) =>
        node.truth("eth_getBlockByNumber", [`0x${(at + 1).toString(16)}`, false]) as Promise<never>,
    ),
  );
});

afterEach(() => {
  node.lie = (_, truth) => truth;
});

afterAll(async () => {
  await node?.stop();
  await honest?.stop();
  await chain?.stop();
});

function sourceOf(...nodes: LyingNode[]): { source: ChainSource; said: string[] } {
  const said: string[] = [];
  const [source] = openSources(
    [
      {
        ...{ name: "test", chainId: chain.chainId, factories: [], pollIntervalMs: 1_000 },
        ...{ rpcUrls: nodes.map(({ url }) => url), rpcRequestsPerSecond: 10_000 },
      },
    ],
    (event, text) => said.push(`${event} ${text}`),
    hurriedClock(),
  );
  if (source === undefined) throw new Error("no source was opened");
  return { source, said };
}

/** Names another hash of each block's last transaction, wherever it stands. */
const renaming: Lie = (_, truth) => {
  const hashes = new Set(blocks.flatMap(({ transactions }) => transactions.slice(-1)));
  return JSON.parse(JSON.stringify(truth), (_key, value) => (hashes.has(value) ? ANOTHER : value));
};

async function hashesRead(source: ChainSource): Promise<Hex[]> {
  const all: Hex[] = [];
  for (const { hash } of blocks) {
    const { block } = await source.block({ hash }, true);
    all.push(...(block.transactions as { hash: Hex }[]).map((each) => each.hash));
  }
  return all;
}

test("A node that names another hash of a transaction is not believed [G-20]", async () => {
  node.lie = renaming;
  const { source } = sourceOf(node, honest);
  expect(await hashesRead(source)).toEqual(blocks.flatMap(({ transactions }) => transactions));
  expect(source.status.endpoints[0]?.lies).toBeGreaterThan(0);
});

test("A block without its last transaction is not believed [G-20]", async () => {
  node.lie = ({ params }, truth) =>
    params[1] === true
      ? {
          ...(truth as Json),
          transactions: (truth as { transactions: [] }).transactions.slice(0, -1),
        }
      : truth;
  const { source } = sourceOf(node, honest);
  expect(await hashesRead(source)).toEqual(blocks.flatMap(({ transactions }) => transactions));
});

test("A log has the hash of its transaction also when the receipts name another [G-20]", async () => {
  node.lie = (call, truth, self) =>
    call.method === "eth_getBlockReceipts" ? renaming(call, truth, self) : truth;
  const { source } = sourceOf(node);
  const [log] = (await honest.truth("eth_getLogs", [{ fromBlock: "0x1" }])) as Json[];
  const { block } = await source.block({ hash: log?.blockHash as Hex });
  const { logs } = await source.provenReceipts(block);
  const proven = await source.withTransactions(block, logs);
  expect(proven.map(({ transactionHash }) => transactionHash)).not.toContain(ANOTHER);
  expect(await source.logs({ blockHash: block.hash })).toEqual(proven);
});

test("Transactions of an encoding that nobody knows are believed, and that is said", async () => {
  node.lie = (call, truth) =>
    call.params[1] === true
      ? JSON.parse(JSON.stringify(truth), (key, value) => (key === "type" ? "0x64" : value))
      : truth;
  const { source, said } = sourceOf(node);
  expect(await hashesRead(source)).toEqual(blocks.flatMap(({ transactions }) => transactions));
  expect(said.filter((line) => line.startsWith("source.unknown-transactions"))).toHaveLength(1);
});
