import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { type ChildInfo, childProcesses, isRunning } from "../support/child-processes.ts";
import { expectMessages, withoutRepeats } from "../support/expect-messages.ts";
import { expectedIds, expectedMessages } from "../support/expected-messages.ts";
import { realService } from "../support/real-service.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import { TopicRecorder } from "../support/topic-recorder.ts";
import { waitUntil } from "../support/wait-until.ts";

const TOPICS = [LATEST_TOPIC, FINAL_TOPIC];

let world: TestWorld;
let chain: TestChain;

beforeAll(async () => {
  world = await TestWorld.create();
});

beforeEach(async () => {
  chain = world.ends(await TestChain.start(41_003));
});

afterEach(() => world.endTest());
afterAll(() => world?.end());

test("A service that is stopped and started again goes on where it was and publishes nothing twice", async () => {
  const { recorder, start, allReceived, deploymentSchemas } = await realService(world, chain);
  await chain.makeDeals();
  const first = start();
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));
  await chain.makeFinal();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  const schemas = await deploymentSchemas();
  expect(await first.stop()).toEqual({ code: 0, signal: null });

  // While nobody looks.
  await chain.makeDeals();
  const second = start();
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));
  await chain.makeDeals();
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));
  await chain.makeFinal();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  expect(await second.stop()).toEqual({ code: 0, signal: null });

  expect(schemas).toHaveLength(1);
  expect(await deploymentSchemas()).toEqual(schemas);
  await allReceived();
  for (const topic of TOPICS) {
    const expected = await expectedMessages(chain, topic);
    expectMessages(recorder.on(topic), expected);
  }
});

test("An indexer that is killed under traffic is started again, and no event is lost, repeated or out of order [G-8]", async () => {
  const { recorder, start, allReceived } = await realService(world, chain);
  const service = start();
  await chain.makeDeals();
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));

  const traffic = makeDealsUntilStopped();
  const indexer = await partOf(service, "indexer");
  process.kill(indexer.pid, "SIGKILL");
  await waitUntil("another indexer runs", async () => {
    const [again] = childProcesses(service.pid).filter(({ command }) => isPart(command, "indexer"));
    return again !== undefined && again.pid !== indexer.pid;
  });
  await traffic.stop();
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));
  await chain.makeFinal();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  await service.stop();

  await allReceived();
  for (const topic of TOPICS) {
    const expected = await expectedMessages(chain, topic);
    expectMessages(recorder.on(topic), expected);
  }
});

test("A service that is killed leaves nothing running behind its successor, and no event is lost", async () => {
  const pubsubPort = await freePort();
  const dataDir = world.freshFolder();
  const env = {
    CHAIN_ID: String(chain.chainId),
    RPC_URL: chain.rpcUrl,
    CONTRACT_ADDRESS: `${chain.factories.revisionA.address},${chain.factories.revisionB.address}`,
    POLL_INTERVAL_SECONDS: "0.2",
    PUBSUB_PORT: String(pubsubPort),
    DATA_DIR: dataDir,
  };
  const first = world.ends(new ServiceProcess("start", { env }));
  const recorder = world.ends(
    await waitUntil("the embedded Pub/Sub server answers", () =>
      TopicRecorder.start(`127.0.0.1:${pubsubPort}`, "local", TOPICS),
    ),
  );
  await chain.makeDeals();
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain)).catch(tell(first));

  const refused = new ServiceProcess("start", { env });
  expect(await refused.exited).toEqual({ code: 78, signal: null });
  expect(refused.output).toContain("DATA_DIR");
  expect(refused.output).toContain(`in use by process ${first.pid}`);

  const traffic = makeDealsUntilStopped();
  const children = childProcesses(first.pid);
  expect(children.length).toBeGreaterThanOrEqual(4);
  await traffic.dealsMade(3);
  await first.kill();
  const second = world.ends(new ServiceProcess("start", { env }));
  await traffic.stop();
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain)).catch(tell(second));
  await waitUntil("the first one's children are gone", () => !children.some(isRunning));
  await chain.makeFinal();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain)).catch(tell(second));
  expect(await second.stop()).toEqual({ code: 0, signal: null });

  // A request that was on its way when the server died may have been accepted and forgotten.
  for (const topic of TOPICS)
    expectMessages(withoutRepeats(recorder.on(topic)), await expectedMessages(chain, topic));
});

function makeDealsUntilStopped() {
  let isStopped = false;
  let made = 0;
  const running = (async () => {
    while (!isStopped) {
      await chain.makeDeals();
      made += 1;
    }
  })();
  return {
    dealsMade: (count: number) => waitUntil(`${count} deals`, () => made >= count),
    stop: async () => {
      isStopped = true;
      await running;
    },
  };
}

async function partOf(service: ServiceProcess, name: string): Promise<ChildInfo> {
  return waitUntil(`the ${name} runs`, () =>
    childProcesses(service.pid).find(({ command }) => isPart(command, name)),
  );
}

function isPart(command: string, name: string): boolean {
  return command.endsWith(`/cli/${name}.ts`);
}

function tell(service: ServiceProcess): (error: unknown) => never {
  return (error) => {
    throw new Error(service.output.slice(-5_000), { cause: error });
  };
}
