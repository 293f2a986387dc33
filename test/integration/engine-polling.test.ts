import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { blockJson } from "../forks/block-json.ts";
import { SimulatedChain } from "../forks/simulated-chain.ts";
import { loadEngine } from "../support/load-engine.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { waitUntil } from "../support/wait-until.ts";

/* How the patched engine asks a node for the head. */

const POLL_MS = 2;

type Rpc = {
  subscribe(listener: { onBlock: () => Promise<void>; onError: (error: Error) => void }): void;
  unsubscribe(): Promise<void>;
};

let createRpc: (args: object) => Rpc;
let rpc: Rpc;
let polls: number;
let endings: (() => void)[];
let errors: Error[];

beforeAll(async () => {
  ({ createRpc } = await loadEngine<{ createRpc: typeof createRpc }>("rpc/index.js"));
});

beforeEach(() => {
  polls = 0;
  endings = [];
  errors = [];
  const chain = new SimulatedChain(41_305, "engine-polling");
  const request = async () => {
    polls++;
    return blockJson(chain.head, true);
  };
  const counts = { observe: () => undefined, inc: () => undefined };
  rpc = createRpc({
    common: {
      logger: silentLogger(),
      metrics: { ponder_rpc_request_duration: counts, ponder_rpc_request_error_total: counts },
      shutdown: { add: (end: () => void) => endings.push(end) },
    },
    chain: {
      ...{ id: chain.chainId, name: "simulated", pollingInterval: POLL_MS },
      rpc: () => ({ request }),
    },
  });
});

afterEach(async () => {
  await rpc.unsubscribe();
  for (const end of endings) end();
});

test("the head is not asked for while the one before it is being worked on, and is asked for again after it, also after an error", async () => {
  const done = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let heads = 0;
  rpc.subscribe({
    onBlock: async () => done[heads++]?.promise,
    onError: (error) => errors.push(error),
  });
  for (const [index, { resolve, reject }] of done.entries()) {
    await waitUntil("a head was told", () => heads > index);
    // The engine's own timer runs as often as this one.
    await ticks(20);
    expect(polls).toBe(index + 1);
    if (index === 0) resolve();
    else reject(new Error("it could not be indexed"));
  }
  await waitUntil("the head was asked for again", () => polls > done.length);
  expect(errors).toHaveLength(1);
});

function ticks(count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    const timer = setInterval(() => {
      if (--left > 0) return;
      clearInterval(timer);
      resolve();
    }, POLL_MS);
  });
}
