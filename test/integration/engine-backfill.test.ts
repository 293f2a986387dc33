import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { numberToHex } from "viem";
import { beforeAll, expect, test } from "vitest";
import { mendEngine } from "../../cli/mend-engine.ts";

/* How far the engine's own code, with its mends, says that each batch of a backfill goes. */

const ENGINE = join(import.meta.dirname, "../../node_modules/ponder/dist/esm");
const CHAIN_ID = 41_302;
const FINAL_BLOCK = 10;

type Batch = { checkpoint: string; blockRange: [first: number, last: number] };

let getLocalEventGenerator: (args: unknown) => AsyncGenerator<Batch>;
let encodeCheckpoint: (parts: object) => string;
let decodeCheckpoint: (checkpoint: string) => { blockNumber: bigint };
let MAX_CHECKPOINT: object;
let ZERO_CHECKPOINT: object;

beforeAll(async () => {
  mendEngine();
  const load = (file: string) => import(pathToFileURL(join(ENGINE, file)).href);
  ({ getLocalEventGenerator } = await load("runtime/historical.js"));
  ({ encodeCheckpoint, decodeCheckpoint, MAX_CHECKPOINT, ZERO_CHECKPOINT } =
    await load("utils/checkpoint.js"));
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
      claims.push([Number(decodeCheckpoint(checkpoint).blockNumber), blockRange[1]]);
    for (const [claimed, indexed] of claims) expect(claimed).toBeLessThanOrEqual(indexed);
    expect(claims.at(-1)).toEqual([FINAL_BLOCK, FINAL_BLOCK]);
  },
);

/** Out of a cache whose queries answer with two blocks at most, one after the other. */
function backfill(batches: number[][]): AsyncGenerator<Batch> {
  const answers = batches.values();
  const final = { number: numberToHex(FINAL_BLOCK), timestamp: numberToHex(FINAL_BLOCK) };
  const at = (rest: object, block: number) =>
    encodeCheckpoint({
      ...rest,
      chainId: BigInt(CHAIN_ID),
      blockNumber: BigInt(block),
      blockTimestamp: BigInt(block),
    });
  return getLocalEventGenerator({
    common: { logger: silentLogger(), metrics: countsNothing() },
    chain: { name: "simulated", id: CHAIN_ID },
    eventCallbacks: [],
    childAddresses: new Map(),
    cachedIntervals: new Map(),
    syncProgress: { start: { number: "0x0" }, finalized: final, current: final },
    from: at(ZERO_CHECKPOINT, 0),
    to: at(MAX_CHECKPOINT, FINAL_BLOCK),
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

function silentLogger() {
  const silent = () => undefined;
  return { trace: silent, debug: silent, info: silent, warn: silent };
}
