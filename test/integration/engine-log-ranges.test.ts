import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { escrowFilter, FACTORY_ID } from "../support/engine-filter.ts";
import { loadEngine } from "../support/load-engine.ts";
import { silentLogger } from "../support/silent-logger.ts";

/* How the patched engine divides a backfill's question for logs when a node does not answer it. */

const CHAIN_ID = 41_307;
const LAST_BLOCK = 599;

type Range = { fromBlock: string; toBlock: string };
type Sync = { syncBlockRangeData(args: object): Promise<unknown[]> };

let createRpc: (args: object) => { request: (request: object) => Promise<unknown> };
let createHistoricalSync: (args: object) => Sync;
let sync: Sync;
let endings: (() => void)[];
/** How many blocks each question was about. */
let asked: number[];
/** What the node says instead of an answer to a question about so many blocks. */
let refusalOf: (blocks: number) => Error | null;

beforeAll(async () => {
  ({ createRpc } = await loadEngine<{ createRpc: typeof createRpc }>("rpc/index.js"));
  ({ createHistoricalSync } = await loadEngine<{
    createHistoricalSync: typeof createHistoricalSync;
  }>("sync-historical/index.js"));
});

beforeEach(() => {
  asked = [];
  endings = [];
  const counts = { observe: () => undefined, inc: () => undefined };
  const common = {
    logger: silentLogger(),
    metrics: { ponder_rpc_request_duration: counts, ponder_rpc_request_error_total: counts },
    options: { factoryAddressCountThreshold: 1_000 },
    shutdown: { add: (end: () => void) => endings.push(end) },
  };
  const chain = { id: CHAIN_ID, name: "simulated", rpc: () => ({ request: answer }) };
  const rpc = createRpc({ common, chain });
  sync = createHistoricalSync({
    ...{ common, chain, rpc },
    childAddresses: new Map([[FACTORY_ID, new Map()]]),
  });
});

afterEach(() => {
  for (const end of endings) end();
});

test("a node that answers for single blocks only is asked for every block once, and for more again when it lets itself be asked", async () => {
  refusalOf = (blocks) => (blocks > 1 ? tooManyResults() : null);
  await backfill(0, 7);
  expect(asked.filter((blocks) => blocks === 1)).toHaveLength(8);

  refusalOf = () => null;
  asked = [];
  for (let round = 0; round < 4; round++) await backfill(0, 7);
  expect(Math.max(...asked)).toBeGreaterThan(1);
});

test("a provider without a healthy backend is asked again for the same range", async () => {
  let left = 3;
  refusalOf = () => (left-- > 0 ? unhealthy() : null);
  await backfill(100, LAST_BLOCK);
  expect(asked).toEqual([500, 500, 500, 500]);
});

test("one that stays so for eight seconds is asked for smaller ranges", async () => {
  refusalOf = (blocks) => (blocks > 250 ? unhealthy() : null);
  await backfill(100, LAST_BLOCK);
  expect(asked.filter((blocks) => blocks === 500)).toHaveLength(7);
  expect(asked.slice(7).reduce((sum, blocks) => sum + blocks, 0)).toBe(500);
}, 30_000);

function backfill(first: number, last: number): Promise<unknown[]> {
  const { address: factory } = escrowFilter(CHAIN_ID) as { address: object };
  return sync.syncBlockRangeData({
    interval: [first, last],
    requiredIntervals: [],
    requiredFactoryIntervals: [{ factory, interval: [first, last] }],
    syncStore: { insertChildAddresses: async () => undefined },
  });
}

async function answer({ params }: { params: [Range] }): Promise<unknown[]> {
  const blocks = Number(params[0].toBlock) - Number(params[0].fromBlock) + 1;
  asked.push(blocks);
  const refusal = refusalOf(blocks);
  if (refusal !== null) throw refusal;
  return [];
}

function tooManyResults(): Error {
  return rpcError(-32_005, "query returned more than 10000 results");
}

function unhealthy(): Error {
  return rpcError(-32_011, "no backend is currently healthy to serve traffic");
}

/** With what viem keeps of an answer: the engine reads the error's JSON. */
function rpcError(code: number, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}
