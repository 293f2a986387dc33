import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { LIES } from "../lies/lie-catalogue.ts";
import { playLies } from "../lies/play-lies.ts";
import { LIMITS } from "../lies/refusals.ts";
import { TestWorld } from "../support/test-world.ts";

/* The short form of `npm run lies`: all lies mixed, under the real indexer and relay. */

let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.create();
});
afterEach(() => world.endTest());
afterAll(() => world.end());

const NOTHING = {
  lost: 0,
  invented: 0,
  falseRetractions: 0,
  differing: 0,
  falseHalts: 0,
  stuck: "",
};

test.each([
  { nodes: 1, share: 0.1 },
  { nodes: 3, share: 0.9 },
])(
  "A node that lies in a share of $share of its answers, of $nodes, loses, invents and retracts nothing [G-20]",
  async ({ nodes, share }) => {
    const verdict = await playLies(world, 41_950 + nodes, { lies: LIES, nodes, share, seed: "1" });
    expect(verdict).toMatchObject(NOTHING);
    expect(verdict.lies).toBeGreaterThan(10);
  },
);

test("A provider with limits in words of its own is followed all the same [G-20]", async () => {
  const lies = LIMITS.filter(({ name }) => !name.includes("timeout"));
  const game = { lies, nodes: 1, share: 1, seed: "1" };
  expect(await playLies(world, 41_960, game)).toMatchObject(NOTHING);
});
