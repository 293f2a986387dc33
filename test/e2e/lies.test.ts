import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { LIES } from "../lies/lie-catalogue.ts";
import { emptyVerdict } from "../lies/lie-verdict.ts";
import { playRandom } from "../lies/play-random.ts";
import { LIMITS } from "../lies/refusals.ts";
import { TestWorld } from "../support/test-world.ts";

/* The short form of `npm run lies`: all lies mixed, under the real indexer, relay and witness. */

let world: TestWorld;
beforeAll(async () => {
  world = await TestWorld.create();
});
afterEach(() => world.endTest());
afterAll(() => world.end());

const options = { forMs: 10_000, patienceMs: 120_000, onProgress: () => undefined };

test.each([
  { nodes: 1, rate: 0.05 },
  { nodes: 3, rate: 0.9 },
])(
  "Nodes, $nodes of them, of which one lies in a share of $rate of its answers, amid reorgs and kills: nothing is lost, invented or falsely retracted, and verified is what is so [G-20]",
  async ({ nodes, rate }) => {
    const game = { lies: LIES, nodes, rate, seed: "1" };
    const { verdict, told } = await playRandom(world, 41_950 + nodes, game, options);
    expect(verdict).toEqual(emptyVerdict());
    expect(told).toBeGreaterThan(10);
  },
);

test("A provider with limits in words of its own is followed all the same [G-20]", async () => {
  const lies = LIMITS.filter(({ name }) => !name.includes("timeout"));
  const game = { lies, nodes: 1, rate: 1, seed: "1" };
  const { verdict } = await playRandom(world, 41_960, game, { ...options, forMs: 0 });
  expect(verdict).toEqual(emptyVerdict());
});
