import { expect, test, vi } from "vitest";
import { guardUnknownBlocks } from "./unknown-block-guard.ts";

const HASH = `0x${"ab".repeat(32)}`;
const URL = "http://node.invalid/";

function ask(fetch: typeof globalThis.fetch, method: string): Promise<Record<string, unknown>> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 7, method, params: [HASH, true] });
  return fetch(URL, { method: "POST", body }).then(
    (response) => response.json() as Promise<Record<string, unknown>>,
  );
}

test("a node that does not know a block by its hash is asked again instead of believed", async () => {
  const giveUp = vi.fn();
  const answers: unknown[] = [null, { hash: HASH, transactions: [] }];
  const guarded = guardUnknownBlocks(
    async () => Response.json({ jsonrpc: "2.0", id: 7, result: answers.shift() }),
    giveUp,
  );
  const refused = await ask(guarded, "eth_getBlockByHash");
  expect(refused).toMatchObject({ id: 7, error: { code: -32_000 } });
  expect(refused).not.toHaveProperty("result");
  expect(await ask(guarded, "eth_getBlockByHash")).toMatchObject({ result: { hash: HASH } });
  expect(giveUp).not.toHaveBeenCalled();
});

test("a block that stays unknown ends the engine before it gives up half-way", async () => {
  const giveUp = vi.fn();
  const guarded = guardUnknownBlocks(async () => Response.json({ id: 7, result: null }), giveUp);
  for (let times = 1; times <= 7; times++) await ask(guarded, "eth_getBlockByHash");
  expect(giveUp.mock.calls).toEqual([[HASH]]);
});

test("every other answer passes through as it is", async () => {
  const guarded = guardUnknownBlocks(async () => Response.json({ id: 7, result: null }), vi.fn());
  expect(await ask(guarded, "eth_getBlockByNumber")).toEqual({ id: 7, result: null });
});
