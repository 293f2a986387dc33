import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newest } from "../../proof/audit/event-differences.ts";
import { FollowedContracts } from "../../proof/audit/followed-contracts.ts";
import { type ProvenBlock, proveRange } from "../../proof/witness/prove-range.ts";
import { OtherBranch, UnknownLayout } from "../../proof/witness/proven-headers.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { openSources } from "../../source/open-sources.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import { auditedChain, storedEvents, transactionWith } from "../audit/audited-chain.ts";
import { ChainNode } from "../forks/chain-node.ts";
import { ChainSimulator } from "../forks/chain-simulator.ts";
import { FACTORIES } from "../forks/deal.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { LIES } from "../lies/lie-catalogue.ts";
import { LyingNode } from "../lies/lying-node.ts";

/* What is proven of a chain is what it logged, whoever is asked, or nothing is proven. */

const FACTORY_LIST = (["A", "B"] as const).map((revision) => ({
  ...{ address: FACTORIES[revision], startBlock: 1, revision },
}));
/** Deals among strangers, and behind them blocks in which other contracts alone logged something. */
const chain = auditedChain("proven", {
  blocks: 90,
  more: Array.from({ length: 10 }, (_, at) => ({
    block: 81 + at,
    transaction: transactionWith(`stranger ${at}`, [
      {
        address: `0x${String(at).padStart(40, "5")}` as Hex,
        topics: [`0x${String(at).padStart(64, "7")}` as Hex],
        data: "0x",
        fact: null,
      },
    ]),
  })),
});
const LAST = 90;
const EVENTS = storedEvents(chain)
  .filter(({ blockNumber }) => blockNumber <= LAST)
  // What a contract answered is no part of what it logged.
  .map((event) => newest({ ...event, observedArbiter: null }));

let simulator: ChainSimulator;
let nodes: LyingNode[];

beforeAll(async () => {
  const node = new ChainNode(chain);
  simulator = await ChainSimulator.start([node]);
  nodes = await Promise.all([1, 2, 3].map(() => LyingNode.start(simulator.urlOf(node))));
});

afterEach(() => {
  for (const node of nodes) {
    node.lie = (_, truth) => truth;
    node.calls.splice(0);
  }
});

afterAll(async () => {
  for (const node of nodes ?? []) await node.stop();
  await simulator?.stop();
});

function sourceOf(...of: LyingNode[]): ChainSource {
  const place = { name: "test", chainId: chain.chainId, factories: FACTORY_LIST };
  const rpcUrls = of.map(({ url }) => url);
  const [source] = openSources(
    [{ ...place, rpcUrls, pollIntervalMs: 1_000, rpcRequestsPerSecond: 10_000 }],
    () => undefined,
    hurriedClock(),
  );
  if (source === undefined) throw new Error("no source");
  return source;
}

async function prove(
  source: ChainSource,
  { from = 1, to = LAST, parentHash = chain.at(from - 1).hash as Hex | null } = {},
): Promise<ProvenBlock[]> {
  const contracts = new FollowedContracts({ factories: FACTORY_LIST });
  const lastHash = chain.at(to).hash;
  const range = { source, contracts, from, to, parentHash, lastHash, atOnce: 8 };
  const blocks: ProvenBlock[] = [];
  for await (const block of proveRange(range)) blocks.push(block);
  return blocks;
}

const eventsOf = (blocks: ProvenBlock[]) => blocks.flatMap(({ events }) => events);

test("every event of a chain is proven, those before their escrow's announcement too [G-22]", async () => {
  const blocks = await prove(sourceOf(...nodes.slice(0, 1)));
  expect(blocks.map(({ header }) => header.hash)).toEqual(
    chain.canonical.slice(1, LAST + 1).map(({ hash }) => hash),
  );
  expect(EVENTS.length).toBeGreaterThan(30);
  expect(eventsOf(blocks)).toEqual(EVENTS);
});

test("receipts are asked for where a bloom speaks of a contract of ours, once blooms are known to be right", async () => {
  const [node] = nodes as [LyingNode];
  const source = sourceOf(node);
  await prove(source);
  expect(source.status.bloom).toBe("trusted");
  node.calls.splice(0);
  const blocks = await prove(source);
  const asked = node.calls.filter(({ method }) => method === "eth_getBlockReceipts").length;
  const concerned = new Set(EVENTS.map(({ blockNumber }) => blockNumber));
  expect(blocks.filter(({ receipts }) => receipts !== null).length).toBe(asked);
  for (const { number, receipts } of blocks)
    if (concerned.has(number)) expect(receipts).not.toBeNull();
    else if (number > LAST - 10) expect(receipts).toBeNull();
});

describe("A node of three that always tells", () => {
  test.each(LIES)("$name changes nothing [G-22]", async ({ lie }) => {
    const [liar] = nodes as [LyingNode];
    liar.lie = lie(() => true);
    expect(eventsOf(await prove(sourceOf(...nodes)))).toEqual(EVENTS);
  });
});

describe("A node alone that always tells", () => {
  test.each(LIES)("$name proves nothing that is not so [G-22]", async ({ lie }) => {
    const [liar] = nodes as [LyingNode];
    liar.lie = lie(() => true);
    const proven = await prove(sourceOf(liar)).then(eventsOf, () => null);
    if (proven !== null) expect(proven).toEqual(EVENTS);
  });

  test("receipts without a log, or with another amount, proves nothing [G-22]", async () => {
    const [liar] = nodes as [LyingNode];
    type Receipts = { logs: { data: string }[] }[];
    const changes: ((receipts: Receipts) => Receipts)[] = [
      (receipts) => receipts.map((each) => ({ ...each, logs: each.logs.slice(1) })),
      (receipts) => receipts.slice(1),
      (receipts) =>
        receipts.map((each) => ({
          ...each,
          logs: each.logs.map((log) => ({ ...log, data: log.data.replace(/.$/, "7") })),
        })),
    ];
    for (const change of changes) {
      liar.lie = ({ method }, truth) =>
        method === "eth_getBlockReceipts" ? change(truth as Receipts) : truth;
      await expect(prove(sourceOf(liar))).rejects.toThrow(/receipts do not give the root/);
    }
  });
});

test("the blocks of another branch are not taken for those under the proven head [G-22]", async () => {
  const [liar] = nodes as [LyingNode];
  const other = auditedChain("another branch", { blocks: LAST });
  const node = new ChainNode(other);
  const fork = await ChainSimulator.start([node]);
  const forked = await LyingNode.start(fork.urlOf(node));
  try {
    // By number it gives its own blocks, all of them proven by their hashes.
    liar.lie = ({ method, params }, truth) =>
      method === "eth_getBlockByNumber" ? forked.truth(method, params) : truth;
    expect(eventsOf(await prove(sourceOf(liar)))).toEqual(EVENTS);
  } finally {
    await forked.stop();
    await fork.stop();
  }
});

test("a range that does not begin behind what is proven is another branch", async () => {
  const parentHash = chain.at(30).hash;
  const proving = prove(sourceOf(...nodes.slice(0, 1)), { from: 40, parentHash });
  await expect(proving).rejects.toBeInstanceOf(OtherBranch);
});

test("a header that no known layout makes, from every endpoint, is an unknown layout and no lie", async () => {
  for (const node of nodes)
    node.lie = ({ method }, truth) =>
      method.startsWith("eth_getBlockBy") && truth
        ? { ...(truth as object), gasLimit: "0x1" }
        : truth;
  await expect(prove(sourceOf(...nodes))).rejects.toBeInstanceOf(UnknownLayout);
});
