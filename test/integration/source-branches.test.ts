import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { answerEngine } from "../../source/answer-engine.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { openSource } from "../../source/open-sources.ts";
import { asAsked } from "../lies/block-lies.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { LyingNode } from "../lies/lying-node.ts";
import { type BedBlock, SourceBed } from "../lies/source-bed.ts";

/* A node that stands on a branch that was dropped, and is asked first. */

let bed: SourceBed;
let nodes: LyingNode[] = [];
beforeAll(async () => {
  bed = await SourceBed.start(41_903, "1");
});
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop();
});
afterAll(() => bed?.stop());

/** The first of them gives blocks of the dropped branch by their number, whenever it is asked. */
async function sourceOf(count: number): Promise<ChainSource> {
  nodes = await Promise.all(Array.from({ length: count }, () => LyingNode.start(bed.chain.rpcUrl)));
  const [stuck] = nodes as [LyingNode];
  stuck.lie = ({ method, params }, truth) => {
    const block = bed.dropped.find(({ number }) => number === params[0]);
    return method === "eth_getBlockByNumber" && block ? asAsked(block, params) : truth;
  };
  return openSource(
    {
      ...{ chainId: bed.chain.chainId, factories: bed.factories },
      rpcUrls: nodes.map(({ url }) => url),
    },
    {
      ...{ requestsPerSecond: 10_000, timeoutMs: 8_000, say: () => undefined },
      clock: hurriedClock(),
    },
  );
}

const hashAt = async (source: ChainSource, { number }: BedBlock): Promise<string> =>
  ((await answerEngine(source, "eth_getBlockByNumber", [number, true])) as BedBlock).hash;

test.each([2, 3])(
  "of %i endpoints, one that is stuck on a dropped branch of which nobody has logs holds nobody up [G-20]",
  async (count) => {
    const source = await sourceOf(count);
    const [dropped] = bed.dropped as [BedBlock];
    expect(await hashAt(source, dropped)).toBe(dropped.hash);
    const ofDropped = answerEngine(source, "eth_getLogs", [{ blockHash: dropped.hash }]);
    await expect(ofDropped).rejects.toThrow(/block/);

    // The engine asks for the block again.
    for (const block of bed.dropped)
      expect(await hashAt(source, block)).toBe(bed.blocks[Number(block.number)]?.hash);
  },
);

test("blocks that are not linked have more than one endpoint asked [G-20]", async () => {
  const source = await sourceOf(3);
  const last = bed.dropped.at(-1) as BedBlock;
  expect(await hashAt(source, last)).toBe(last.hash);
  const next = bed.blocks[Number(last.number) + 1] as BedBlock;
  expect(await hashAt(source, next)).toBe(next.hash);

  for (const block of bed.dropped)
    expect(await hashAt(source, block)).toBe(bed.blocks[Number(block.number)]?.hash);
});

test("after such a sign the only endpoint that answers is believed when it says so twice [G-20]", async () => {
  const source = await sourceOf(2);
  const [dropped] = bed.dropped as [BedBlock];
  await hashAt(source, dropped);
  await answerEngine(source, "eth_getLogs", [{ blockHash: dropped.hash }]).catch(() => undefined);
  await nodes.shift()?.stop();
  expect(await hashAt(source, dropped)).toBe(bed.blocks[Number(dropped.number)]?.hash);
});
