import { type Hex, numberToHex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { proveHeader } from "../../source/header-hash.ts";
import { type RawReceipt, receiptsRootOf } from "../../source/receipts-root.ts";
import { headerJson, receiptsJson } from "../support/header-json.ts";
import { TestChain } from "../support/test-chain.ts";

/* Headers and receipts of a real node, escrows' logs among them, prove what they claim. */

type Block = Record<string, unknown> & { receiptsRoot: Hex; transactions: string[] };

let chain: TestChain;
let blocks: { block: Block; receipts: RawReceipt[] }[];

beforeAll(async () => {
  chain = await TestChain.start(41_900);
  await chain.makeDeals();
  const head = Number(await chain.client.getBlockNumber());
  blocks = await Promise.all(
    Array.from({ length: head + 1 }, async (_, number) => ({
      block: await ask<Block>("eth_getBlockByNumber", [numberToHex(number), false]),
      receipts: await ask<RawReceipt[]>("eth_getBlockReceipts", [numberToHex(number)]),
    })),
  );
});

afterAll(() => chain?.stop());

async function ask<T>(method: string, params: unknown[]): Promise<T> {
  return (await chain.client.request({ method, params } as never)) as T;
}

test("every header of the chain is proven by its hash", () => {
  expect(blocks.length).toBeGreaterThan(5);
  expect(blocks.map(({ block }) => proveHeader(block))).toEqual(blocks.map(() => "proven"));
});

test("a block's receipts give the root in its header", async () => {
  for (const { block, receipts } of blocks)
    expect(receiptsRootOf(receipts)).toBe(block.receiptsRoot);
});

test("receipts with a log left out, added or changed give another root", async () => {
  const found = blocks.find(({ receipts }) => receipts.some(({ logs }) => logs.length > 1));
  if (found === undefined) throw new Error("no receipt has two logs");
  const { block, receipts } = found;
  const changes: ((logs: RawReceipt["logs"]) => RawReceipt["logs"])[] = [
    (logs) => logs.slice(1),
    (logs) => logs.slice(0, -1),
    (logs) => [...logs, ...logs],
    (logs) => [...logs].reverse(),
    (logs) => logs.map((log) => ({ ...log, data: `${log.data}00` as Hex })),
  ];
  for (const change of changes)
    expect(receiptsRootOf(receipts.map((each) => ({ ...each, logs: change(each.logs) })))).not.toBe(
      block.receiptsRoot,
    );
});

test("a simulated chain's headers and receipts prove what they claim, as a real one's do", async () => {
  for (const count of [0, 1, 2, 16, 17, 130]) {
    const logs = Array.from({ length: count }, (_, at) =>
      Array.from({ length: at % 3 }, (): { address: Hex; topics: Hex[]; data: Hex } => ({
        address: `0x${"ab".repeat(20)}`,
        topics: [`0x${"cd".repeat(32)}`],
        data: numberToHex(at, { size: 32 }),
      })),
    );
    const header = headerJson({
      ...{ number: count, parentHash: undefined, timestamp: 1_600_000_000, logs, salt: "test" },
    });
    expect(proveHeader(header)).toBe("proven");
    expect(receiptsRootOf(receiptsJson(logs) as RawReceipt[])).toBe(header.receiptsRoot);
  }
});
