import { type Hex, numberToHex, toEventSelector } from "viem";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import type { Chain } from "../../config/chain-deployment.ts";
import { seedEscrows } from "../../local/chain/seed-escrows.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { openSources } from "../../source/open-sources.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { HttpAnswer, type Lie, LyingNode, type RpcCall, RpcRefusal } from "../lies/lying-node.ts";
import { TestChain } from "../support/test-chain.ts";

/* What a source finds out of its endpoints, each for itself, and how several of them agree. */

const ESCROWS = 1_500;
const CREATED = escrowAAbi
  .filter((item) => item.type === "event" && item.name === "EscrowCreated")
  .map((event) => toEventSelector(event as never));

type Log = { blockHash: Hex; logIndex: Hex; data: Hex; blockNumber: Hex };
type Filter = { address?: Hex | Hex[]; fromBlock?: Hex; toBlock?: Hex };

let chain: TestChain;
let nodes: LyingNode[];
let head: number;

beforeAll(async () => {
  chain = await TestChain.start(41_903);
  const { revisionA } = chain.factories;
  const factories = { revisionA, revisionB: revisionA };
  await seedEscrows({
    ...{ rpcUrl: chain.rpcUrl, factories, count: ESCROWS, seed: 1, escrowsPerBlock: 5 },
  });
  head = Number(await chain.client.getBlockNumber());
  nodes = await Promise.all([1, 2, 3].map(() => LyingNode.start(chain.rpcUrl)));
});

afterEach(() => {
  for (const node of nodes) node.lie = (_, answer) => answer;
});

afterAll(async () => {
  for (const node of nodes ?? []) await node.stop();
  await chain?.stop();
});

function sourceOf(
  of: LyingNode[],
  more: Partial<Chain> = {},
): { source: ChainSource; said: string[] } {
  const said: string[] = [];
  const factories = [chain.factories.revisionA, chain.factories.revisionB];
  const place = { name: "test", chainId: chain.chainId, factories, pollIntervalMs: 1_000 };
  const rpcUrls = of.map(({ url }) => url);
  const [source] = openSources(
    [{ ...place, rpcUrls, rpcRequestsPerSecond: 10_000, ...more }],
    (event, text) => said.push(`${event} ${text}`),
    hurriedClock(),
  );
  if (source === undefined) throw new Error("no source was opened");
  return { source, said };
}

async function byTopic(source: ChainSource, from = 0): Promise<string[]> {
  const range = { fromBlock: numberToHex(from), toBlock: numberToHex(head) };
  return keysOf(await source.logs({ ...range, topics: [CREATED] }));
}

async function truth(from = 0): Promise<string[]> {
  const range = { fromBlock: numberToHex(from), toBlock: numberToHex(head) };
  return keysOf((await nodes[0]?.truth("eth_getLogs", [{ ...range, topics: [CREATED] }])) as Log[]);
}

function keysOf(logs: readonly object[]): string[] {
  return (logs as Log[]).map(({ blockHash, logIndex }) => `${blockHash} ${Number(logIndex)}`);
}

function isRange({ method, params }: RpcCall): boolean {
  return method === "eth_getLogs" && "fromBlock" in (params[0] as object);
}

function spans(node: LyingNode): number[] {
  return node.calls.filter(isRange).map(({ params }) => {
    const { fromBlock, toBlock } = params[0] as Filter;
    return Number(toBlock) - Number(fromBlock) + 1;
  });
}

const refusing =
  (isRefused: (filter: Filter) => boolean, words: string): Lie =>
  (call, answer) => {
    if (call.method === "eth_getLogs" && isRefused(call.params[0] as Filter))
      throw new RpcRefusal(-32_701, words);
    return answer;
  };
const demandingAddresses = refusing(
  ({ address }) => address === undefined,
  "Please specify an address in your request or order a dedicated full node",
);

describe("A provider's limits", () => {
  test("are those that the operator names: no question is longer, or names more contracts", async () => {
    const [node] = nodes as [LyingNode];
    node.calls.length = 0;
    node.lie = demandingAddresses;
    const { source } = sourceOf([node], { rpcMaxBlocks: 90, rpcMaxAddresses: 70 });
    expect(await byTopic(source)).toEqual(await truth());
    expect(Math.max(...spans(node))).toBeLessThanOrEqual(90);
    const counts = node.calls
      .filter(isRange)
      .map(({ params }) => [(params[0] as Filter).address ?? []].flat().length);
    expect(Math.max(...counts)).toBe(70);
  });

  test("are found out by what each endpoint refuses, and shown for each", async () => {
    const [narrow, wide] = nodes as [LyingNode, LyingNode];
    const isLong = ({ fromBlock, toBlock }: Filter): boolean =>
      Number(toBlock) - Number(fromBlock) >= 70;
    narrow.lie = refusing(isLong, "eth_getLogs is limited to a 70 block range");
    const { source } = sourceOf([narrow, wide], { rpcAgree: 2 });
    expect(await byTopic(source)).toEqual(await truth());
    const [ofNarrow, ofWide] = source.status.endpoints;
    expect(ofNarrow?.can.blocksPerRequest).toMatchObject({ byTopic: 70, limit: 70 });
    expect(ofWide?.can.blocksPerRequest.limit).toBeNull();
    expect(ofNarrow?.failures).toBe(0);
  });
});

describe("A node that demands an address, while 1,500 escrows are followed", () => {
  test("is asked by contract for what is asked by topic [G-20]", async () => {
    const [node] = nodes as [LyingNode];
    node.lie = demandingAddresses;
    const { source } = sourceOf([node]);
    expect(await byTopic(source)).toEqual(await truth());
    expect(await byTopic(source, head - 20)).toEqual(await truth(head - 20));
    expect(source.status.endpoints[0]).toMatchObject({ failures: 0, can: { needsAddress: true } });
  });

  test("is asked for a block's receipts in place of its logs [G-20]", async () => {
    const [node] = nodes as [LyingNode];
    node.lie = demandingAddresses;
    const { source } = sourceOf([node]);
    const withoutOurs = 1;
    for (const number of [withoutOurs, head]) {
      const { block } = await source.block({ number });
      const logs = (await node.truth("eth_getLogs", [{ blockHash: block.hash }])) as Log[];
      expect(keysOf(await source.logs({ blockHash: block.hash }))).toEqual(keysOf(logs));
    }
  });

  test("agrees with a node that answers by topic, strangers' logs aside", async () => {
    const [node, other] = nodes as [LyingNode, LyingNode];
    node.lie = demandingAddresses;
    other.lie = (call, answer) =>
      isRange(call) && (call.params[0] as Filter).address === undefined
        ? [...(answer as Log[]), strangersLog(answer as Log[])].filter(Boolean)
        : answer;
    const { source, said } = sourceOf([other, node], { rpcAgree: 2 });
    expect(await byTopic(source)).toEqual(await truth());
    expect(said.filter((line) => line.startsWith("source.disagreement"))).toEqual([]);
  });
});

/** As if a stranger's contract logged the same event behind the last one. */
function strangersLog(logs: Log[]): object | null {
  const last = logs.at(-1);
  if (last === undefined) return null;
  return { ...last, address: `0x${"ab".repeat(20)}`, logIndex: numberToHex(900) };
}

describe("RPC_AGREE", () => {
  const leavingOut: Lie = (call, answer) =>
    isRange(call)
      ? (answer as Log[]).filter(({ blockNumber }) => Number(blockNumber) % 100)
      : answer;

  test("of 1 believes an endpoint that leaves logs of a range out: nothing in the answer shows it", async () => {
    const [node] = nodes as [LyingNode];
    node.lie = leavingOut;
    const { source } = sourceOf(nodes);
    expect((await byTopic(source)).length).toBeLessThan(ESCROWS);
  });

  test.each([0, 1])(
    "of 2 settles by the receipts what two endpoints differ in, and names who lied: number %d [G-20]",
    async (liar) => {
      const node = nodes[liar] as LyingNode;
      node.lie = leavingOut;
      const { source, said } = sourceOf(nodes.slice(0, 2), { rpcAgree: 2 });
      expect(await byTopic(source)).toEqual(await truth());
      const { endpoints, agree } = source.status;
      expect(endpoints.map(({ lies }) => lies > 0)).toEqual([liar === 0, liar === 1]);
      expect(agree).toMatchObject({ required: 2, disagreements: 3 });
      expect(agree.last).toContain("give different logs of block 300");
      const host = new URL(node.url).host;
      expect(said).toContain(
        `source.lie chain ${chain.chainId}, ${host}: it left out 5 and invented 0 logs of block 100`,
      );
    },
  );

  test("of 2 gives nothing where the two differ and nobody proves who is right", async () => {
    const [first, second] = nodes as [LyingNode, LyingNode];
    const withoutReceipts: Lie = ({ method }, answer) => {
      if (method === "eth_getBlockReceipts") throw new RpcRefusal(-32_601, "no such method");
      return answer;
    };
    first.lie = withoutReceipts;
    second.lie = (call, answer, node) =>
      leavingOut(call, withoutReceipts(call, answer, node), node);
    const { source, said } = sourceOf([first, second], { rpcAgree: 2 });
    await expect(byTopic(source)).rejects.toThrow(/1 of the 2 endpoints that RPC_AGREE asks for/);
    expect(said.some((line) => line.startsWith("source.disagreement"))).toBe(true);
  });

  test("of 2 waits for nobody with a new block", async () => {
    const [first, second] = nodes as [LyingNode, LyingNode];
    second.lie = () => Promise.reject(new RpcRefusal(-32_603, "down"));
    const { source } = sourceOf([first, second], { rpcAgree: 2 });
    const { hash } = await source.head();
    expect((await source.logs({ blockHash: hash })).length).toBeGreaterThan(0);
    expect(source.status.endpoints[1]?.requests).toBe(0);
  });

  test("of more than there are is refused", () => {
    expect(() => sourceOf(nodes, { rpcAgree: 4 })).toThrow(
      `4 endpoints cannot agree: chain ${chain.chainId} has 3`,
    );
  });
});

test("an endpoint that asks to be left alone keeps nobody waiting while there is another", async () => {
  const [first, second] = nodes as [LyingNode, LyingNode];
  const { source } = sourceOf([first, second]);
  first.calls.length = 0;
  first.lie = ({ method }, answer) => {
    if (method === "eth_chainId") return answer;
    throw new HttpAnswer(429, "", { "retry-after": "250" });
  };
  for (let number = 1; number < 9; number++) await source.block({ number });
  expect(first.calls.map(({ method }) => method)).toEqual(["eth_chainId", "eth_getBlockByNumber"]);
});

test("one endpoint without receipts, while another is down, does not make a chain one without", async () => {
  const [without, other] = nodes as [LyingNode, LyingNode];
  let isDown = true;
  without.lie = ({ method }, answer) => {
    if (method === "eth_getBlockReceipts") throw new RpcRefusal(-32_601, "no such method");
    return answer;
  };
  other.lie = (_, answer) => {
    if (isDown) throw new RpcRefusal(-32_603, "down");
    return answer;
  };
  const { source, said } = sourceOf([without, other]);
  const { hash } = await source.head();
  await expect(source.logs({ blockHash: hash })).rejects.toThrow();
  isDown = false;
  expect((await source.logs({ blockHash: hash })).length).toBeGreaterThan(0);
  expect(said.filter((line) => line.startsWith("source.no-receipts"))).toEqual([]);
  expect(source.status.endpoints.map(({ can }) => can.receipts)).toEqual([false, true]);
});
