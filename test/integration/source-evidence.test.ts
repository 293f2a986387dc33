import type { BlockEvidence } from "@escrow-stream/relay";
import { type Hex, numberToHex } from "viem";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { reorgChain } from "../../local/chain/reorg-chain.ts";
import { chainEvidence } from "../../source/chain-evidence.ts";
import { openSources } from "../../source/open-sources.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { LyingNode } from "../lies/lying-node.ts";
import { TestChain } from "../support/test-chain.ts";

/* What counts as a replaced block, and what only looks like one. */

const HEIGHT = 5;

type Header = Record<string, unknown> & { hash: Hex; number: Hex };

let chain: TestChain;
let nodes: LyingNode[];
let evidence: BlockEvidence;
/** The block at a height before and after a reorg. */
let dropped: Header;
let block: Header;

beforeAll(async () => {
  chain = await TestChain.start(41_902);
  await chain.makeDeals();
  nodes = await Promise.all([1, 2, 3].map(() => LyingNode.start(chain.rpcUrl)));
  const urls = nodes.map(({ url }) => url);
  const place = { name: "test", chainId: chain.chainId, factories: [], pollIntervalMs: 1_000 };
  const sources = openSources(
    [{ ...place, rpcUrls: urls, rpcRequestsPerSecond: 10_000 }],
    () => undefined,
    hurriedClock(),
  );
  evidence = chainEvidence(sources, hurriedClock());
  dropped = await read();
  const head = Number(await chain.client.getBlockNumber());
  await reorgChain({ rpcUrl: chain.rpcUrl, depth: head - HEIGHT + 1 });
  block = await read();
});

afterEach(() => {
  for (const node of nodes) node.lie = (_, truth) => truth;
});

afterAll(async () => {
  for (const node of nodes ?? []) await node.stop();
  await chain?.stop();
});

async function read(height = HEIGHT): Promise<Header> {
  return (await nodes[0]?.truth("eth_getBlockByNumber", [numberToHex(height), false])) as Header;
}

function isReplaced({ hash } = block): Promise<boolean> {
  return evidence.isReplaced(chain.chainId, HEIGHT, hash);
}

/** Every node answers so, when it is asked for a block by its number. */
function all(lie: (truth: Header, look: number) => unknown): void {
  for (const node of nodes) {
    let look = 0;
    node.lie = ({ method }, truth) =>
      method === "eth_getBlockByNumber" ? lie(truth as Header, look++) : truth;
  }
}

test("a block that every node still has is not replaced [G-5]", async () => {
  expect(await isReplaced()).toBe(false);
});

test("another block than the one asked for proves nothing, from however many nodes [G-5]", async () => {
  const other = await read(HEIGHT - 1);
  all(() => other);
  expect(await isReplaced()).toBe(false);
});

test("another hash that the header does not make proves nothing, from however many nodes [G-5]", async () => {
  all((truth) => ({ ...truth, hash: `0x${"12".repeat(32)}` }));
  expect(await isReplaced()).toBe(false);
});

test("nodes that know no such block prove nothing [G-5]", async () => {
  all(() => null);
  expect(await isReplaced()).toBe(false);
});

test("a reorg that one look shows and the next does not is none [G-5]", async () => {
  all((truth, look) => (look === 0 ? dropped : truth));
  expect(await isReplaced()).toBe(false);
});

test("as many nodes that still have the block speak against those that do not [G-5]", async () => {
  all(() => dropped);
  const [first, second] = nodes as [LyingNode, LyingNode];
  first.lie = (_, truth) => truth;
  second.lie = () => Promise.reject(new Error("down"));
  expect(await isReplaced()).toBe(false);
});

test("one node that is stuck on the old branch is outvoted by two [G-5]", async () => {
  const [first] = nodes as [LyingNode];
  first.lie = ({ method }, truth) => (method === "eth_getBlockByNumber" ? dropped : truth);
  expect(await isReplaced(dropped)).toBe(true);
});

test("a block that the chain replaced is proven to be, also when two of three nodes are down [G-5]", async () => {
  expect(await isReplaced(dropped)).toBe(true);
  for (const node of nodes.slice(1)) node.lie = () => Promise.reject(new Error("down"));
  expect(await isReplaced(dropped)).toBe(true);
});
