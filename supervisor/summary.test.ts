import { expect, test } from "vitest";
import { disagreementOf, summaryOf } from "./summary.ts";
import type { Drained } from "./wait-until-published.ts";

const drained: Drained = {
  isIndexed: true,
  missing: { a: 0, b: 0 },
  snapshot: {
    chains: [{ name: "local", chainId: 1, head: 9, indexed: 9, finalized: 3 }],
    escrows: 2,
    events: 5,
    anomalies: 0,
    publications: [
      { topic: "a", finality: "latest", published: 5, backlog: 0, haltedReason: null },
      { topic: "b", finality: "finalized", published: 4, backlog: 1, haltedReason: null },
    ] as Drained["snapshot"]["publications"],
  },
};

test("the summary has what was published on each topic, and the seconds to a tenth", () => {
  expect(summaryOf(drained, 12_345)).toEqual({
    chains: drained.snapshot.chains,
    escrows: 2,
    events: 5,
    anomalies: 0,
    published: { a: 5, b: 4 },
    seconds: 12.3,
  });
});

test("indexed and published agree when nothing is missing anywhere", () => {
  expect(disagreementOf(drained)).toBeNull();
});

test("what is missing is said for each topic, in words", () => {
  expect(disagreementOf({ ...drained, missing: { a: 0, b: 3 } })).toBe(
    "ES-NOT-PUBLISHED: published and indexed do not agree: b lacks 3 messages",
  );
  expect(disagreementOf({ ...drained, isIndexed: false, missing: {} })).toBe(
    "ES-NOT-PUBLISHED: published and indexed do not agree: the chain is not indexed to its head",
  );
});
