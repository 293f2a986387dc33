import { numberToHex } from "viem";
import { beforeAll, expect, test } from "vitest";
import { loadEngine } from "../support/load-engine.ts";
import { silentLogger } from "../support/silent-logger.ts";

/* How far the patched engine says that each batch of a backfill goes. */

const CHAIN_ID = 41_302;
const FINAL_BLOCK = 10;

type Batch = { checkpoint: string; blockRange: [first: number, last: number] };

type Historical = { getLocalEventGenerator: (args: unknown) => AsyncGenerator<Batch> };
type Checkpoint = {
  encodeCheckpoint: (parts: object) => string;
  decodeCheckpoint: (checkpoint: string) => { blockNumber: bigint };
  MAX_CHECKPOINT: object;
  ZERO_CHECKPOINT: object;
};

let historical: Historical;
let checkpoints: Checkpoint;

beforeAll(async () => {
  historical = await loadEngine("runtime/historical.js");
  checkpoints = await loadEngine("utils/checkpoint.js");
});

test.each([
  { ends: "one block before the last final one", batches: [[4, 9], [10]] },
  { ends: "two blocks before the last final one", batches: [[4, 8], [10]] },
  { ends: "at the last final block", batches: [[9, 10], []] },
])(
  "a batch of a backfill that ends $ends claims no block that is not in it",
  async ({ batches }) => {
    const claims: [claimed: number, indexed: number][] = [];
    for await (const { checkpoint, blockRange } of backfill(batches))
      claims.push([Number(checkpoints.decodeCheckpoint(checkpoint).blockNumber), blockRange[1]]);
    for (const [claimed, indexed] of claims) expect(claimed).toBeLessThanOrEqual(indexed);
    expect(claims.at(-1)).toEqual([FINAL_BLOCK, FINAL_BLOCK]);
  },
);

/** Out of a cache whose queries answer with two blocks at most, one after the other. */
function backfill(batches: number[][]): AsyncGenerator<Batch> {
  const answers = batches.values();
  const final = { number: numberToHex(FINAL_BLOCK), timestamp: numberToHex(FINAL_BLOCK) };
  const at = (rest: object, block: number) =>
    checkpoints.encodeCheckpoint({
      ...rest,
      chainId: BigInt(CHAIN_ID),
      blockNumber: BigInt(block),
      blockTimestamp: BigInt(block),
    });
  return historical.getLocalEventGenerator({
    common: { logger: silentLogger(), metrics: countsNothing() },
    chain: { name: "simulated", id: CHAIN_ID },
    eventCallbacks: [],
    childAddresses: new Map(),
    cachedIntervals: new Map(),
    syncProgress: { start: { number: "0x0" }, finalized: final, current: final },
    from: at(checkpoints.ZERO_CHECKPOINT, 0),
    to: at(checkpoints.MAX_CHECKPOINT, FINAL_BLOCK),
    limit: 2,
    isCatchup: false,
    database: {
      syncQB: {
        raw: { select: anyQuery },
        wrap: async ({ label }: { label: string }) =>
          label === "select_blocks" ? blocksOf(answers.next().value ?? []) : [],
      },
    },
  });
}

function blocksOf(numbers: number[]) {
  return numbers.map((number) => ({ number: BigInt(number), timestamp: BigInt(number) }));
}

/** What takes any call and gives itself back. */
function anyQuery(): object {
  const query: object = new Proxy({}, { get: () => () => query });
  return query;
}

function countsNothing() {
  return new Proxy({}, { get: () => ({ inc: () => undefined, set: () => undefined }) });
}
