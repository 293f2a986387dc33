import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyProject } from "../support/copy-project.ts";
import { expectMessages } from "../support/expect-messages.ts";
import { expectedIds, expectedMessages } from "../support/expected-messages.ts";
import { type RealService, realService } from "../support/real-service.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";

let world: TestWorld;
let chain: TestChain;
let service: RealService;

beforeAll(async () => {
  world = await TestWorld.create();
  chain = world.ends(await TestChain.start(41_005));
  service = await realService(world, chain);
});

afterAll(() => world?.end());

test("A changed build is indexed beside the old one, takes its place when it is ready, and publishes nothing again", async () => {
  const { recorder, start, deploymentSchemas } = service;
  await chain.makeDeals();
  await chain.makeFinal();
  const blue = start();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  const [blueSchema = ""] = await deploymentSchemas();
  expect(await viewedSchema()).toBe(blueSchema);
  const answers = watchAnswers();
  await waitUntil("REST answers", () => answers.count > 0);

  const changed = join(world.folder, "changed-build");
  copyProject(changed);
  appendFileSync(join(changed, "src/outbox/encode-message.ts"), "\n// Another build.\n");
  const green = start({ root: changed, env: { DATA_DIR: world.freshFolder(), API_PORT: "0" } });
  await waitUntil("a second deployment", async () => (await deploymentSchemas()).length === 2);
  const greenSchema = (await deploymentSchemas()).find((each) => each !== blueSchema);
  await waitUntil("the views are swapped", async () => (await viewedSchema()) === greenSchema);
  expect(await deploymentSchemas()).toContain(blueSchema);

  // The old build's query side reads the views, so it shows what the new build indexes.
  await chain.makeDeals();
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));
  const seen = answers.count;
  await waitUntil("REST goes on answering", () => answers.count > seen + 3);
  await answers.stop();
  expect(await blue.stop()).toEqual({ code: 0, signal: null });

  await chain.makeDeals();
  await recorder.waitForIds(LATEST_TOPIC, await expectedIds(chain));
  await chain.makeFinal();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  expect(await green.stop()).toEqual({ code: 0, signal: null });

  await service.allReceived();
  for (const topic of [LATEST_TOPIC, FINAL_TOPIC]) {
    const expected = await expectedMessages(chain, topic);
    expectMessages(recorder.on(topic), expected);
  }
  // REST never failed while the views changed under it, and never showed fewer escrows.
  expect(answers.problems).toEqual([]);
});

/** The deployment that the stable views show. */
async function viewedSchema(): Promise<string | undefined> {
  const rows = await world.query<{ name: string }>(
    service.databaseUrl,
    `select distinct table_schema as name from information_schema.view_table_usage
     where view_schema = 'escrow' and view_name = 'event'`,
  );
  return rows[0]?.name;
}

/** Asks REST all the time; notes every answer after the first good one that is worse. */
function watchAnswers() {
  const seen = { count: 0, problems: [] as string[], stop: async () => {} };
  let isStopped = false;
  let escrows = 0;
  const ask = async (): Promise<string | null> => {
    const response = await fetch(`${service.apiUrl}/v1/escrows?limit=1000`);
    if (!response.ok) return `status ${response.status}: ${await response.text()}`;
    const body = (await response.json()) as { escrows: unknown[] };
    if (body.escrows.length < escrows) return `${body.escrows.length} escrows after ${escrows}`;
    escrows = body.escrows.length;
    return null;
  };
  const running = (async () => {
    while (!isStopped) {
      const problem = await ask().catch(String);
      if (problem === null) seen.count += 1;
      else if (seen.count > 0 && !isStopped) seen.problems.push(problem);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  seen.stop = async () => {
    isStopped = true;
    await running;
  };
  return seen;
}
