import { afterAll, beforeAll, expect, test } from "vitest";
import { TestWorld } from "../support/test-world.ts";
import { playUpgrade } from "../upgrade/play-upgrade.ts";

let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.create();
});
afterAll(() => world.end());

test("a journal of version 0.2.0 gets its feed in place, old relays at work beside new ones, there and back, and nothing is published twice [G-24]", async () => {
  const { problems, messages } = await playUpgrade(world, 12_000, () => undefined);
  expect(problems).toEqual([]);
  expect(messages).toBeGreaterThan(12_000);
});
