import type { Hex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blockJson } from "../forks/block-json.ts";
import { SimulatedChain } from "../forks/simulated-chain.ts";
import { connectEngine } from "../support/engine-database.ts";
import { loadEngine } from "../support/load-engine.ts";
import { RelayWorld } from "../support/relay-world.ts";

/* What the patched engine takes for a block, and keeps of it. */

type Json = Record<string, unknown>;
type Block = Json & { transactions: Json[] };
type SyncStore = Record<"insertBlocks" | "insertTransactions", (of: object) => Promise<void>>;
type Kept = { miner: string; receiptsRoot: string; nonce: number; value: string };

const ZERO_ADDRESS: Hex = `0x${"0".repeat(40)}`;
const ZERO_HASH: Hex = `0x${"0".repeat(64)}`;
const CHAIN_ID = 41_308;

const world = new RelayWorld();
let keep: (answer: object) => Promise<Kept>;
let stop: () => Promise<void>;

beforeAll(async () => {
  await world.start();
  const { pool, url } = await world.database();
  const { common, database } = await connectEngine(url);
  stop = () => common.shutdown.kill();
  const { createSyncStore } = await loadEngine<{ createSyncStore: (args: object) => SyncStore }>(
    "sync-store/index.js",
  );
  const { eth_getBlockByNumber } = await loadEngine<{
    eth_getBlockByNumber: (rpc: object, params: unknown[]) => Promise<Block>;
  }>("rpc/actions.js");
  const store = createSyncStore({ common, qb: database.syncQB });
  keep = async (answer) => {
    await pool.query("truncate ponder_sync.blocks, ponder_sync.transactions");
    const block = await eth_getBlockByNumber({ request: async () => answer }, ["0x1", true]);
    await store.insertBlocks({ blocks: [block], chainId: CHAIN_ID });
    await store.insertTransactions({ transactions: block.transactions, chainId: CHAIN_ID });
    const { rows } = await pool.query<Kept>(
      `select b.miner, b.receipts_root as "receiptsRoot", t.nonce, t.value
       from ponder_sync.blocks b join ponder_sync.transactions t on t.block_number = b.number`,
    );
    expect(rows).toHaveLength(1);
    return rows[0] as Kept;
  };
});

afterAll(async () => {
  await stop();
  await world.stop();
});

test.each(["0x7fffffff", "0x80000000", "0xffffffffffffffff"])(
  "a block with a transaction of nonce %s is taken",
  async (nonce) => {
    expect(await keep(blockWith({}, { nonce }))).toMatchObject({ nonce: 2_147_483_647 });
  },
);

test.each([null, undefined])(
  "a block whose node tells %s for what nobody needs is taken",
  async (nothing) => {
    const fields = ["miner", "receiptsRoot", "stateRoot", "transactionsRoot", "size", "difficulty"];
    const more = ["extraData", "gasUsed", "gasLimit"];
    const header = Object.fromEntries([...fields, ...more].map((field) => [field, nothing]));
    const transaction = { input: nothing, value: nothing, nonce: nothing, type: nothing };
    expect(await keep(blockWith(header, { ...transaction, gas: nothing }))).toEqual({
      miner: ZERO_ADDRESS,
      receiptsRoot: ZERO_HASH,
      nonce: 0,
      value: "0",
    });
  },
);

function blockWith(header: Json, transaction: Json): object {
  const chain = new SimulatedChain(CHAIN_ID, "engine-answers");
  const addresses = { from: ZERO_ADDRESS, to: ZERO_ADDRESS, escrow: null };
  const mined = {
    hash: ZERO_HASH,
    salt: ZERO_HASH,
    ...addresses,
    waitsSeconds: 0,
    logsAt: () => [],
  };
  chain.mine([{ transactions: [mined], secondsLater: 1 }]);
  const block = blockJson(chain.head, true) as Block;
  const [only] = block.transactions;
  return { ...block, ...header, transactions: [{ ...only, ...transaction }] };
}
