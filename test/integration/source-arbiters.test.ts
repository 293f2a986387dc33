import { type Address, encodeFunctionData, type Hex, padHex } from "viem";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import { answerEngine } from "../../source/answer-engine.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { openSources } from "../../source/open-sources.ts";
import { serveRpc } from "../../source/serve-rpc.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { type Lie, LyingNode, RpcRefusal } from "../lies/lying-node.ts";
import { TestChain } from "../support/test-chain.ts";

/*
 * What the engine is told when it asks an escrow of revision A for its arbiter at the block of its
 * creation: by nodes that have the state of that block, that have pruned it, and that lie.
 */

const CALL = encodeFunctionData({ abi: escrowAAbi, functionName: "arbiter" });

type Creation = { escrow: Address; blockHash: Hex; arbiter: Address };

let chain: TestChain;
let nodes: LyingNode[];
let creations: Creation[];

beforeAll(async () => {
  chain = await TestChain.start(41_931, 1_000);
  nodes = await Promise.all([1, 2, 3].map(() => LyingNode.start(chain.rpcUrl)));
  const { arbiter, stranger, payer } = chain;
  creations = [
    await created(chain.create("A", { arbiter })),
    await created(chain.create("A")),
    await created(chain.create("A", { arbiter: stranger })),
    await created(chain.createAndHandOn("A", [arbiter, stranger])),
    await created(chain.createAndHandOn("A", [arbiter, stranger, arbiter])),
  ];
  const [first, , third, , last] = creations as [Creation, Creation, Creation, Creation, Creation];
  await chain.call(arbiter, first.escrow, { changeArbiter: stranger });
  await chain.call(stranger, first.escrow, { changeArbiter: arbiter });
  await chain.call(stranger, third.escrow, { changeArbiter: arbiter });
  await chain.call(payer, third.escrow, "approve");
  await chain.call(arbiter, last.escrow, { changeArbiter: stranger });
});

afterEach(() => {
  for (const node of nodes) {
    node.lie = (_, answer) => answer;
    node.calls.length = 0;
  }
});

afterAll(async () => {
  for (const node of nodes ?? []) await node.stop();
  await chain?.stop();
});

describe("A source gives the arbiter at the end of the block of the creation", () => {
  test("as the node tells that has the block, which is named by its hash", async () => {
    const [node] = nodes as [LyingNode];
    await expectTruth(sourceOf(1, node));
    const calls = node.calls.filter(({ method }) => method === "eth_call");
    expect(calls.map(({ params }) => params[1])).toEqual(
      creations.map(({ blockHash }) => ({ blockHash })),
    );
  });

  test.each([
    "missing trie node ef7df5d88cb1614dc3f143879a653cd90717ee42e967c5fabbcd7505a968f314 (path )",
    "required historical state unavailable (reexec=128)",
    "state 0x12 is not available",
    "State at block #3 is pruned",
    "execution reverted",
    "project ID does not have access to archive state",
    "0x",
  ])("from another node where one says of that block: %s", async (words) => {
    const [node, other] = nodes as [LyingNode, LyingNode];
    node.lie = pruned(words, 1_000);
    await expectTruth(sourceOf(1, node, other));
  });

  test("from the changes that came later and from its arbiter now, where every node has pruned it", async () => {
    for (const node of nodes) node.lie = pruned("missing trie node 12 (path )", 2);
    const source = sourceOf(1, ...nodes);
    await expectTruth(source);
    const ranges = nodes.flatMap(({ calls }) =>
      calls.filter(({ method }) => method === "eth_getLogs"),
    );
    expect(ranges, "the changes are read once for all").toHaveLength(1);
    // What comes after the last look is known as well.
    const { arbiter, stranger } = chain;
    const late = await created(chain.create("A", { arbiter }));
    await chain.call(arbiter, late.escrow, { changeArbiter: stranger });
    await chain.client.mine({ blocks: 5 });
    expect(await askOf(source, late)).toBe(padHex(arbiter.toLowerCase() as Hex, { size: 32 }));
  });

  test("as two of three tell, where one tells something else and two have to agree", async () => {
    const [liar, ...others] = nodes as [LyingNode, LyingNode, LyingNode];
    liar.lie = ({ method }, answer) => (method === "eth_call" ? `0x${"00".repeat(31)}01` : answer);
    await expectTruth(sourceOf(2, liar, ...others));
  });

  test("only in the form of an address, or asks another node", async () => {
    const [liar, other] = nodes as [LyingNode, LyingNode];
    const lies = [null, "0x01", `0x${"ff".repeat(32)}`, `0x${"00".repeat(64)}`, {}, "latest"];
    for (const lie of lies) {
      liar.lie = ({ method }, answer) => (method === "eth_call" ? lie : answer);
      await expectTruth(sourceOf(1, liar, other));
    }
  });
});

test("Where no node has any state, the source says so once and for all, and what to do is known", async () => {
  for (const node of nodes) node.lie = pruned("missing trie node 12 (path )", -1);
  const source = sourceOf(1, ...nodes);
  const hopeless: string[] = [];
  const server = await serveRpc([source], (chainId, { code }) =>
    hopeless.push(`${chainId} ${code}`),
  );
  try {
    const [{ escrow, blockHash }] = creations as [Creation];
    const response = await fetch(server.urlOf(chain.chainId), {
      method: "POST",
      body: JSON.stringify({
        ...{ jsonrpc: "2.0", id: 1, method: "eth_call" },
        params: [{ to: escrow, data: CALL }, { blockHash }],
      }),
    });
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining("missing trie node") },
    });
    expect(hopeless).toEqual([`${chain.chainId} ES-RPC-NO-STATE`]);
  } finally {
    await server.stop();
  }
});

async function created(escrow: Promise<Address>): Promise<Creation> {
  const address = await escrow;
  const { hash, number } = await chain.client.getBlock();
  const arbiter = await chain.client.readContract({
    ...{ address, abi: escrowAAbi, functionName: "arbiter", blockNumber: number },
  });
  return { escrow: address, blockHash: hash, arbiter };
}

function sourceOf(rpcAgree: number, ...of: LyingNode[]): ChainSource {
  const [source] = openSources(
    [
      {
        ...{ name: "test", chainId: chain.chainId, factories: [], pollIntervalMs: 1_000 },
        ...{ rpcUrls: of.map(({ url }) => url), rpcRequestsPerSecond: 10_000, rpcAgree },
      },
    ],
    () => undefined,
    hurriedClock(),
  );
  if (source === undefined) throw new Error("no source was opened");
  return source;
}

/** A node that has no state but that of its newest blocks. */
function pruned(words: string, keeps: number): Lie {
  return async ({ method, params }, answer) => {
    if (method !== "eth_call") return answer;
    const { blockHash } = params[1] as { blockHash: Hex };
    const { number } = await chain.client.getBlock({ blockHash });
    const depth = Number((await chain.client.getBlockNumber()) - number);
    if (keeps < 1_000 && depth < keeps) return answer;
    if (words === "0x") return words;
    throw new RpcRefusal(-32_000, words);
  };
}

async function askOf(source: ChainSource, { escrow, blockHash }: Creation): Promise<unknown> {
  return await answerEngine(source, "eth_call", [{ to: escrow, data: CALL }, { blockHash }]);
}

async function expectTruth(source: ChainSource): Promise<void> {
  for (const creation of creations)
    expect(await askOf(source, creation)).toBe(
      padHex(creation.arbiter.toLowerCase() as Hex, { size: 32 }),
    );
}
