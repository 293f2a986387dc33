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
import { watchAnswers } from "../support/watch-answers.ts";

let world: TestWorld;
let chain: TestChain;
let service: RealService;

beforeAll(async () => {
  world = await TestWorld.create();
  chain = world.ends(await TestChain.start(41_005));
  service = await realService(world, chain);
});

afterAll(() => world?.end());

test("A changed build is indexed beside the old one, takes its place when it is ready, and publishes nothing again [G-6]", async () => {
  const { recorder, start, deploymentSchemas, viewedSchema, countByRest } = service;
  await chain.makeDeals();
  await chain.makeFinal();
  const blue = start();
  await recorder.waitForIds(FINAL_TOPIC, await expectedIds(chain));
  const [blueSchema = ""] = await deploymentSchemas();
  expect(await viewedSchema()).toBe(blueSchema);
  const answers = watchAnswers(countByRest);
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
