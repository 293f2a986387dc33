import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type IndexerServer, startIndexerServer } from "../../source/indexer-server.ts";
import { openSources } from "../../source/open-sources.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { LyingNode } from "../lies/lying-node.ts";
import { TestChain } from "../support/test-chain.ts";
import { waitUntil } from "../support/wait-until.ts";

/* What is served about the indexer, beside the engine's thread. */

const MAIN = new URL("../support/freezing-engine-main.ts", import.meta.url);

type Started = { port: number; env: Record<string, string> };

let chain: TestChain;
let nodes: LyingNode[];
let indexer: ChildProcess;
let started: Started;

beforeAll(async () => {
  chain = await TestChain.start(41_904);
  await chain.makeDeals();
  nodes = await Promise.all([1, 2].map(() => LyingNode.start(chain.rpcUrl)));
  indexer = fork(MAIN, [JSON.stringify([chainOf(nodes)])]);
  [started] = (await once(indexer, "message")) as [Started];
});

afterEach(() => {
  for (const node of nodes) node.lie = (_, answer) => answer;
});

afterAll(async () => {
  indexer?.kill("SIGKILL");
  for (const node of nodes ?? []) await node.stop();
  await chain?.stop();
});

function chainOf(of: readonly LyingNode[]) {
  return {
    ...{ name: "test", chainId: chain.chainId, pollIntervalMs: 1_000, rpcRequestsPerSecond: 1_000 },
    rpcUrls: of.map(({ url }) => url),
    factories: [chain.factories.revisionA, chain.factories.revisionB],
  };
}

async function get(path: string, port = started.port): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, body: await response.text() };
}

async function status(port?: number) {
  return JSON.parse((await get("/status", port)).body);
}

test("the engine is given the thread's address and nothing else of the endpoints", () => {
  expect(Object.keys(started.env)).toEqual([`RPC_URL_${chain.chainId}`, "RPC_REQUESTS_PER_SECOND"]);
});

test("/status has each chain with its endpoints and what they can do, and the engine's own", async () => {
  await waitUntil("the endpoints were surveyed", async () => {
    const [of] = (await status()).chains;
    return of.endpoints.every(
      ({ lag, can }: { lag: number | null; can: { archive: object | null } }) =>
        lag !== null && can.archive !== null,
    );
  });
  expect(await status()).toMatchObject({
    engine: { answers: true, isReady: true },
    chains: [
      {
        ...{ name: "test", chainId: chain.chainId, block: { number: 7 } },
        ...{ bloom: "unknown", unprovenHeaders: 0, agree: { required: 1, disagreements: 0 } },
        endpoints: [0, 1].map(() => ({
          ...{ breaker: "closed", score: 1, lies: 0, lag: 0 },
          can: { finalizedTag: true, archive: { block: 1, logs: true, receipts: true } },
        })),
      },
    ],
  });
  expect((await get("/status")).body).not.toContain("key-of-this-node");
});

test("/metrics has the endpoints' counts and passes the engine's own through", async () => {
  const { body } = await get("/metrics");
  const [node] = nodes as [LyingNode];
  const labels = `{chain="${chain.chainId}",endpoint="${new URL(node.url).host}"}`;
  expect(body).toMatch(new RegExp(`^escrow_rpc_requests_total${labels} [1-9]`, "m"));
  expect(body).toContain(`escrow_rpc_lies_total${labels} 0`);
  expect(body).toContain(`escrow_rpc_usable${labels} 1`);
  expect(body).toContain("escrow_indexer_engine_answers 1");
  expect(body).toContain("ponder_sync_block 7");
});

test("all of it answers while the engine's thread is frozen, and says so", async () => {
  expect((await get("/ready")).status).toBe(200);
  indexer.send("freeze");
  await once(indexer, "message");
  expect(await status()).toMatchObject({
    engine: {
      ...{ answers: false, isReady: null },
      problem: expect.stringContaining("the engine has not answered for"),
    },
    chains: [{ name: "test", block: null, endpoints: [{}, {}] }],
  });
  expect(await get("/ready")).toMatchObject({ status: 503 });
  expect(await get("/health")).toEqual({ status: 200, body: "" });
  const { body } = await get("/metrics");
  expect(body).toContain("escrow_indexer_engine_answers 0");
  expect(body).toContain("escrow_rpc_requests_total");
});

test("an endpoint that lags, prunes and knows no tag is shown as that, and asked last", async () => {
  const [behind, ahead] = nodes as [LyingNode, LyingNode];
  behind.lie = async ({ method, params }, answer) => {
    if (params[0] === "latest") return await behind.truth(method, ["0x2", params[1]]);
    return params[0] === "finalized" || params[0] === "0x1" ? null : answer;
  };
  const [source] = openSources([chainOf(nodes)], () => undefined, hurriedClock());
  if (source === undefined) throw new Error("no source was opened");
  const server: IndexerServer = await startIndexerServer({
    ...{ hostname: "127.0.0.1", port: 0, enginePort: 1 },
    chains: [{ name: "test", source }],
  });
  try {
    for (let look = 0; look < 3; look++) await source.survey();
    const { engine, chains } = await status(server.port);
    expect(engine.problem).toContain("the engine has been starting for");
    const [first, second] = chains[0].endpoints;
    expect(first).toMatchObject({
      ...{ failures: 0, can: { finalizedTag: false, archive: { receipts: false } } },
      lag: Number(await chain.client.getBlockNumber()) - 2,
    });
    expect(second).toMatchObject({ lag: 0, can: { finalizedTag: true } });
    const asked = ahead.calls.length;
    behind.calls.length = 0;
    await source.block({ number: 3 });
    expect([behind.calls.length, ahead.calls.length - asked]).toEqual([0, 1]);
  } finally {
    await server.stop();
  }
});
