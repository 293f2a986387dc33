import type { BlockEvidence } from "@escrow-stream/relay";
import { type Hex, numberToHex } from "viem";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { reorgChain } from "../../local/chain/reorg-chain.ts";
import { chainEvidence } from "../../source/chain-evidence.ts";
import { openSources } from "../../source/open-sources.ts";
import { LyingNode } from "../lies/lying-node.ts";
import { type LogLine, recordingLog } from "../support/recording-log.ts";
import { RelayBed } from "../support/relay-bed.ts";
import { TestChain } from "../support/test-chain.ts";
import { waitUntil } from "../support/wait-until.ts";

/* What the relay makes of nodes that answer with another block than the chain's. */

const HEIGHT = 5;

type Header = Record<string, unknown> & { hash: Hex };

const bed = new RelayBed();
let chain: TestChain;
/** A real block of another branch at HEIGHT, and the chain's own. */
let dropped: Header;
let block: Header;
/** The one behind it. */
let next: Header;
let seen: string[];
let lines: (LogLine & { event?: string })[];

beforeAll(async () => {
  await bed.start();
  chain = await TestChain.start(41_903);
  await chain.makeDeals();
  const node = await LyingNode.start(chain.rpcUrl);
  const read = async (height = HEIGHT): Promise<Header> =>
    (await node.truth("eth_getBlockByNumber", [numberToHex(height), false])) as Header;
  dropped = await read();
  const head = Number(await chain.client.getBlockNumber());
  await reorgChain({ rpcUrl: chain.rpcUrl, depth: head - HEIGHT + 1 });
  block = await read();
  next = await read(HEIGHT + 1);
  await node.stop();
});

afterAll(async () => {
  await bed.stop();
  await chain?.stop();
});

beforeEach(async () => {
  await bed.renew();
  seen = await bed.subscribe(({ attributes }) =>
    attributes.retracts ? `-${attributes.retracts}` : (attributes.event_id ?? ""),
  );
});

/** A relay whose chain is seen through that many nodes. */
async function startRelay(nodeCount: number, env: Record<string, string>): Promise<LyingNode[]> {
  const nodes = await Promise.all(
    Array.from({ length: nodeCount }, () => LyingNode.start(chain.rpcUrl)),
  );
  onTestFinished(async () => {
    for (const node of nodes) await node.stop();
  });
  const place = { name: "test", chainId: chain.chainId, factories: [], pollIntervalMs: 1_000 };
  const rpcUrls = nodes.map(({ url }) => url);
  const sources = openSources(
    [{ ...place, rpcUrls, rpcRequestsPerSecond: 1_000 }],
    () => undefined,
  );
  const evidence: BlockEvidence = chainEvidence(sources);
  const recording = recordingLog();
  lines = recording.lines;
  bed.startRelay(env, evidence, undefined, recording.log);
  return nodes;
}

/** An event in the chain's own block, published. */
async function publishOne(): Promise<void> {
  await appendOne();
  await bed.outbox.moveTo({ latest: 99, finalized: HEIGHT, chain: chain.chainId });
  await waitUntil("it is published", () => seen.length === 1);
}

async function appendOne(): Promise<void> {
  const { chainId } = chain;
  await bed.outbox.append({ key: "a", block: HEIGHT, chain: chainId, hash: block.hash, id: "one" });
}

/** A later event, final as well: whatever is published next has to look at finality again. */
async function appendTwo(): Promise<void> {
  const { chainId } = chain;
  const block = HEIGHT + 1;
  await bed.outbox.append({ key: "a", block, chain: chainId, hash: next.hash, id: "two" });
  await bed.outbox.moveTo({ latest: 99, finalized: block, chain: chainId });
}

/** The node has another block there from now on; it counts how often it says so. */
function lieWith(node: LyingNode | undefined, other: object): () => number {
  let lies = 0;
  if (node)
    node.lie = ({ method, params }, truth) => {
      if (method !== "eth_getBlockByNumber" || params[0] !== numberToHex(HEIGHT)) return truth;
      lies += 1;
      return other;
    };
  return () => lies;
}

function tellTruth(node: LyingNode | undefined): void {
  if (node) node.lie = (_, truth) => truth;
}

const FINAL = { PUBLICATIONS: "topic-a=finalized" };
const logged = (event: string) => lines.filter((line) => line.event === event).length;

test("a node that answers with another block for a while halts nothing, also when it is the only one [G-5]", async () => {
  const [node] = await startRelay(1, { ...FINAL, RELAY_HALT_LOOKS_APART_MS: "3000" });
  await publishOne();
  const lies = lieWith(node, dropped);
  await appendTwo();
  await waitUntil("it is believed once", () => logged("finality.suspected") > 0);
  expect(lies()).toBeGreaterThan(1);
  tellTruth(node);
  await waitUntil("the topic goes on", () => seen.length === 2);
  expect(seen).toEqual(["one", "two"]);
  expect(logged("publication.halted")).toBe(0);
});

test("the only node, with a real block of another branch for long, halts the final topic, until it has the right one again [G-5]", async () => {
  const [node] = await startRelay(1, FINAL);
  await publishOne();
  lieWith(node, dropped);
  await appendTwo();
  await waitUntil("it is halted", () => logged("publication.halted") === 1);
  tellTruth(node);
  await waitUntil("the topic goes on", () => seen.length === 2);
  expect(seen).toEqual(["one", "two"]);
  expect(logged("publication.resumed")).toBe(1);
});

test.each([
  ["of another height", (): object => ({ ...dropped, number: numberToHex(HEIGHT + 1) })],
  [
    "whose header does not make its hash",
    (): object => ({ ...block, hash: `0x${"12".repeat(32)}` }),
  ],
])("the only node, with a block %s, retracts nothing [G-5]", async (_, other) => {
  const [node] = await startRelay(1, { PUBLICATIONS: "topic-a=latest" });
  await publishOne();
  const lies = lieWith(node, other());
  await bed.outbox.rollBackTo(0);
  await waitUntil("it is asked again and again", () => lies() > 5);
  await appendOne();
  await appendTwo();
  await waitUntil("the topic goes on", () => seen.length === 2);
  expect(seen).toEqual(["one", "two"]);
});

test("one node of two, with a real block of another branch, retracts nothing and halts nothing [G-5]", async () => {
  const [node] = await startRelay(2, { PUBLICATIONS: "topic-a=latest" });
  await publishOne();
  const lies = lieWith(node, dropped);
  await bed.outbox.rollBackTo(0);
  await waitUntil("it is asked again and again", () => lies() > 5);
  await appendOne();
  await appendTwo();
  await waitUntil("the topic goes on", () => seen.length === 2);
  expect(seen).toEqual(["one", "two"]);
});
