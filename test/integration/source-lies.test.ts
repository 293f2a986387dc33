import { type Hex, numberToHex } from "viem";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ChainSource } from "../../source/chain-source.ts";
import { openSources } from "../../source/open-sources.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { LIES, LIMITS } from "../lies/lie-catalogue.ts";
import { type Lie, LyingNode, type RpcCall } from "../lies/lying-node.ts";
import { TestChain } from "../support/test-chain.ts";

/*
 * What a source makes of nodes that lie: it gives what the chain has, or nothing. Blocks and logs of
 * a real chain are read through one node, and through three of which one lies.
 */

type Log = { blockHash: Hex; blockNumber: Hex; logIndex: Hex; data: Hex; address: Hex };

let chain: TestChain;
let nodes: LyingNode[];
let truth: { blocks: { hash: Hex; number: Hex }[]; logs: Log[]; emitters: Hex[] };

beforeAll(async () => {
  chain = await TestChain.start(41_901);
  for (let round = 0; round < 5; round++) await chain.makeDeals();
  nodes = await Promise.all([1, 2, 3].map(() => LyingNode.start(chain.rpcUrl)));
  const [node] = nodes;
  const head = Number(await chain.client.getBlockNumber());
  const blocks = await Promise.all(
    Array.from({ length: head + 1 }, (_, at) =>
      node?.truth("eth_getBlockByNumber", [numberToHex(at), false]),
    ),
  );
  const logs = (await node?.truth("eth_getLogs", [
    { fromBlock: "0x0", toBlock: numberToHex(head) },
  ])) as Log[];
  const emitters = [...new Set(logs.map(({ address }) => address))];
  truth = { blocks: blocks as { hash: Hex; number: Hex }[], logs, emitters };
});

afterEach(() => {
  for (const node of nodes) node.lie = (_, answer) => answer;
});

afterAll(async () => {
  for (const node of nodes ?? []) await node.stop();
  await chain?.stop();
});

function sourceOf(...of: LyingNode[]): { source: ChainSource; said: string[] } {
  const said: string[] = [];
  const [source] = openSources(
    [
      {
        ...{ name: "test", chainId: chain.chainId, factories: [] },
        ...{
          rpcUrls: of.map(({ url }) => url),
          pollIntervalMs: 1_000,
          rpcRequestsPerSecond: 10_000,
        },
      },
    ],
    (event, text) => said.push(`${event} ${text}`),
    hurriedClock(),
  );
  if (source === undefined) throw new Error("no source was opened");
  return { source, said };
}

/** Reads everything there is, as a backfill and then the live side would. */
async function readAll(
  source: ChainSource,
): Promise<{ blocks: Hex[]; range: string[]; live: string[] }> {
  const last = truth.blocks.length - 1;
  const range = await source.logs({
    fromBlock: "0x0",
    toBlock: numberToHex(last),
    address: truth.emitters,
  });
  const blocks: Hex[] = [];
  const live: string[] = [];
  for (const { number } of truth.blocks) {
    const { block } = await source.block({ number: Number(number) }, true);
    blocks.push(block.hash);
    live.push(...(await source.logs({ blockHash: block.hash })).map(keyOf));
  }
  return { blocks, range: range.map(keyOf), live };
}

function keyOf(log: object): string {
  const { blockHash, logIndex, data, address } = log as Log;
  return `${blockHash} ${Number(logIndex)} ${address.toLowerCase()} ${data}`;
}

function expected() {
  const logs = truth.logs.map(keyOf);
  return { blocks: truth.blocks.map(({ hash }) => hash), range: logs, live: logs };
}

/** Lies to every third call that the lie is about, or to all of them. */
function every(share: number): (call: RpcCall) => boolean {
  let calls = 0;
  return () => ++calls % share === 0;
}

describe("One node that lies now and then", () => {
  test.each(LIES)("$name: the chain is read as it is [G-20]", async ({ lie }) => {
    const [node] = nodes as [LyingNode];
    node.lie = lie(every(7));
    const { source } = sourceOf(node);
    expect(await readAll(source)).toEqual(expected());
  });
});

describe("One of three nodes that always lies", () => {
  test.each(LIES)("$name: the chain is read as it is [G-20]", async ({ lie }) => {
    const [node] = nodes as [LyingNode];
    node.lie = lie(() => true);
    const { source } = sourceOf(...nodes);
    expect(await readAll(source)).toEqual(expected());
  });
});

describe("A provider's limits", () => {
  test.each(LIMITS)("$name: the chain is read as it is", async ({ lie }) => {
    const [node] = nodes as [LyingNode];
    node.lie = lie(() => true);
    const { source } = sourceOf(node);
    expect(await readAll(source)).toEqual(expected());
    expect(source.status.endpoints[0]?.lies).toBe(0);
  });
});

describe("Blooms", () => {
  const withBloom =
    (bloom: Hex): Lie =>
    (call, answer) =>
      call.method.startsWith("eth_getBlockBy") && answer !== null
        ? { ...(answer as object), logsBloom: bloom }
        : answer;

  test("are withheld from the engine until they have shown themselves right", async () => {
    const { source } = sourceOf(...nodes);
    const { block } = await source.block({ number: 1 });
    expect(source.withReliableBloom(block).logsBloom).toBe(`0x${"0".repeat(512)}`);
    await readAll(source);
    expect(source.status.bloom).toBe("trusted");
    expect(source.withReliableBloom(block).logsBloom).toBe(block.logsBloom);
  });

  test("that are all the same, on a chain whose headers no layout makes, are never relied on", async () => {
    for (const node of nodes) node.lie = withBloom(`0x${"0".repeat(510)}01`);
    const { source, said } = sourceOf(...nodes);
    expect(await readAll(source)).toEqual(expected());
    expect(source.status.bloom).not.toBe("trusted");
    expect(said.some((line) => line.startsWith("source.unknown-header"))).toBe(true);
  });
});

test("an endpoint of another chain is never believed", async () => {
  const [node, honest] = nodes as [LyingNode, LyingNode];
  node.lie = ({ method }, answer) => (method === "eth_chainId" ? "0x1" : answer);
  const { source, said } = sourceOf(node, honest);
  expect(await readAll(source)).toEqual(expected());
  expect(source.status.endpoints.map(({ breaker }) => breaker)).toEqual(["out", "closed"]);
  expect(said.join()).toContain(`it is of chain 1, not ${chain.chainId}`);
});

test("a head that jumps back is not believed at once", async () => {
  const [node] = nodes as [LyingNode];
  let looks = 0;
  node.lie = async ({ method, params }, answer) =>
    method === "eth_getBlockByNumber" && params[0] === "latest" && looks++ % 2 === 1
      ? await node.truth(method, ["0x1", params[1]])
      : answer;
  const { source } = sourceOf(node);
  const heads = [];
  for (let look = 0; look < 6; look++) heads.push(Number((await source.head()).number));
  expect(new Set(heads)).toEqual(new Set([truth.blocks.length - 1]));
});

test("what an operator reads of an endpoint has no key of it", async () => {
  const [node] = nodes as [LyingNode];
  node.lie = LIES.find(({ name }) => name === "502")?.lie(() => true) as Lie;
  const { source } = sourceOf(node);
  await expect(source.block({ number: 1 })).rejects.toThrow(/502/);
  expect(JSON.stringify(source.status)).not.toContain("key-of-this-node");
});
