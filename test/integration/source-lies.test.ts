import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { answerEngine } from "../../source/answer-engine.ts";
import { chainEvidence } from "../../source/chain-evidence.ts";
import { openSource, openSources } from "../../source/open-sources.ts";
import { placesOf } from "../lies/catch-rule.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { LIE_CATALOGUE } from "../lies/lie-catalogue.ts";
import { emptyVerdict } from "../lies/lie-verdict.ts";
import { LyingNode } from "../lies/lying-node.ts";
import { playSource } from "../lies/play-source.ts";
import { SourceBed } from "../lies/source-bed.ts";
import { SOURCE_RULES } from "../lies/source-rules.ts";

/*
 * What the source makes of nodes that lie: it gives what the chain has, or nothing. That each of its
 * rules is needed shows `source-rules.test.ts`.
 */

const SEED = 1;

let bed: SourceBed;
beforeAll(async () => {
  bed = await SourceBed.start(41_901, String(SEED));
});
afterAll(() => bed?.stop());

const GAMES = LIE_CATALOGUE.flatMap((lie) =>
  placesOf(lie).map((nodes) => ({ name: lie.name, lie, nodes })),
);

describe("A lie", () => {
  test.each(GAMES)(
    "$name, from one of $nodes nodes: the chain is read as it is [G-20]",
    async ({ lie, nodes }) => {
      const code = { answerEngine, chainEvidence, openSource };
      const random = new SeededRandom(`${SEED} ${lie.name} ${nodes}`);
      const { verdict } = await playSource(code, bed, { lie, nodes, random });
      expect(verdict).toEqual(emptyVerdict());
    },
  );

  test("is against a rule of the source, each of which can be switched off", () => {
    const rules = SOURCE_RULES.map(({ name }) => name);
    for (const { against } of LIE_CATALOGUE)
      if (!against.startsWith("the engine: ")) expect(rules).toContain(against);
  });
});

test("what an operator reads of an endpoint has no key of it", async () => {
  const node = await LyingNode.start(bed.chain.rpcUrl);
  try {
    const lie = LIE_CATALOGUE.find(({ name }) => name === "502")?.lie(() => true);
    if (lie) node.lie = lie;
    const chain = { chainId: bed.chain.chainId, rpcUrls: [node.url], rpcRequestsPerSecond: 10_000 };
    const [source] = openSources(
      [{ ...chain, name: "test", factories: bed.factories, pollIntervalMs: 1_000 }],
      () => undefined,
      hurriedClock(),
    );
    await expect(source?.block({ number: 1 })).rejects.toThrow(/502/);
    expect(JSON.stringify(source?.status)).not.toContain("key-of-this-node");
  } finally {
    await node.stop();
  }
});
