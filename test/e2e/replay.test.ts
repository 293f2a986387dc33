import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CountingRpc, countingRpc, type RpcCall } from "../support/counting-rpc.ts";
import { expectMessages } from "../support/expect-messages.ts";
import { expectedIds, expectedMessages } from "../support/expected-messages.ts";
import { type RealService, realService } from "../support/real-service.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";
import { watchAnswers } from "../support/watch-answers.ts";

/** Leaves the processors to the service. */
const TRAFFIC_PAUSE_MS = 300;

let world: TestWorld;
let chain: TestChain;
let service: RealService;

beforeAll(async () => {
  world = await TestWorld.create();
  chain = world.ends(await TestChain.start(41_009));
  service = await realService(world, chain);
});

afterAll(() => world?.end());

test("A replay beside live traffic needs no RPC for what is cached, survives a kill, names what was tampered with, and takes the live deployment's place without a reader or a subscriber noticing [G-6] [G-16]", async () => {
  const { recorder, deploymentSchemas, countByRest, countBySql } = service;
  await chain.makeDeals();
  await chain.makeFinal();
  const running = service.start();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  const [live = ""] = await deploymentSchemas();
  const watches = [countByRest, askGraphql, countBySql].map(watchAnswers);
  for (const watch of watches) await waitUntil("an answer", () => watch.count > 0);
  const traffic = makeDealsUntilStopped();
  const rpc = await rpcWithoutWhatIsCached();

  const killed = replay(rpc, ["--grace", "1s"]);
  await waitUntil("something is being built", async () => (await deploymentSchemas()).length > 1);
  await killed.kill();
  expect(await service.viewedSchema()).toBe(live);

  // Somebody has tampered with a row that is final.
  const planted = await changeAmount(live);
  const seen = watches.map(({ count }) => count);
  const swapped = replay(rpc, ["--grace", "1s", "--accept-differences"]);
  expect(await swapped.exited, swapped.output).toEqual({ code: 0, signal: null });
  expect(swapped.output).toContain(`going on with ${live}_r2`);
  expect(swapped.output).toContain(`escrow (${chain.chainId}, ${planted}): amount is `);
  expect(compared(swapped)).toMatchObject({ differences: 1 });
  const next = await service.viewedSchema();
  expect(await deploymentSchemas()).toEqual([next]);
  expect(next).toBe(`${live}_r2`);
  for (const [at, watch] of watches.entries())
    await waitUntil("answers go on", () => watch.count > (seen[at] ?? 0) + 3);

  // What is cached was asked for by nobody; headers of single blocks are.
  expect(rpc.refused.filter((call) => !isProbe(call))).toEqual([]);
  expect(rpc.calls.length).toBeGreaterThan(0);

  await traffic.stop();
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));
  await chain.makeFinal();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  await Promise.all(watches.map((watch) => watch.stop()));
  expect(await running.stop()).toEqual({ code: 0, signal: null });
  await service.allReceived();
  for (const topic of [LATEST_TOPIC, FINAL_TOPIC])
    expectMessages(recorder.on(topic), await expectedMessages(chain, topic));
  expect(watches.flatMap(({ problems }) => problems)).toEqual([]);
});

/** Whether an endpoint is asked what it can do: for the logs and receipts of the first block. */
function isProbe({ params }: { params: unknown[] }): boolean {
  const [first] = params as ({ fromBlock?: string; toBlock?: string } | string)[];
  return typeof first === "object" ? first.toBlock === "0x1" : first === "0x1";
}

/** The chain's endpoint, but for what the live indexer has put into the cache by now. */
async function rpcWithoutWhatIsCached(): Promise<CountingRpc> {
  const cached = await finalBlock();
  const isOld = (block: unknown): boolean =>
    typeof block === "string" && block.startsWith("0x") && Number(block) <= cached;
  return world.ends(
    await countingRpc(chain.rpcUrl, ({ method, params }: RpcCall) => {
      if (method === "eth_getLogs")
        return isOld((params[0] as { toBlock?: string; fromBlock?: string }).fromBlock);
      if (method === "eth_getBlockByNumber") return params[1] === true && isOld(params[0]);
      return method === "eth_getBlockReceipts" && isOld(params[0]);
    }),
  );
}

function replay(rpc: CountingRpc, args: string[]): ServiceProcess {
  const env = { ...service.env, [`RPC_URL_${chain.chainId}`]: rpc.url };
  return world.ends(new ServiceProcess("replay", { args, env }));
}

/** Changes the amount of the oldest escrow behind the engine's back, and says which that is. */
async function changeAmount(schema: string): Promise<string> {
  const [row] = await world.query<{ address: string }>(
    service.databaseUrl,
    `with quiet as materialized (select set_config('session_replication_role', 'replica', true))
     update ${schema}.escrow set amount = amount + 1 from quiet
     where address = (select address from ${schema}.escrow order by created_block limit 1)
     returning address`,
  );
  return row?.address ?? "";
}

/** The last thing that a replay said of its comparison. */
function compared({ stdoutLines }: ServiceProcess): object {
  const found = stdoutLines.map((line) => JSON.parse(line)).findLast((each) => "tables" in each);
  return found ?? {};
}

async function finalBlock(): Promise<number> {
  const [row] = await world.query<{ block: string }>(
    service.databaseUrl,
    "select substring(finalized_checkpoint, 27, 16)::bigint as block from escrow._ponder_checkpoint",
  );
  return Number(row?.block);
}

async function askGraphql(): Promise<number> {
  const response = await fetch(`${service.apiUrl}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ escrows { totalCount } }" }),
  });
  if (!response.ok) throw new Error(`GraphQL ${response.status}: ${await response.text()}`);
  const { data } = (await response.json()) as { data: { escrows: { totalCount: number } } };
  return data.escrows.totalCount;
}

function makeDealsUntilStopped() {
  let isStopped = false;
  const running = (async () => {
    while (!isStopped) {
      await chain.makeDeals();
      await setTimeout(TRAFFIC_PAUSE_MS);
    }
  })();
  return {
    stop: async () => {
      isStopped = true;
      await running;
    },
  };
}
