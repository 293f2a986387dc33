import { expect, test } from "vitest";
import { renderView, type View } from "./live-view.ts";

const nothing: View = {
  snapshot: null,
  messages: [],
  receivedPerTopic: new Map(),
  notices: [],
  elapsedMs: 0,
  apiUrl: null,
};
const chain = { name: "local", chainId: 31_337, head: 120, indexed: 117, finalized: 90 };
const final = {
  topic: "settlement.events.v1",
  finality: "finalized",
  published: 12,
  backlog: 3,
  haltedReason: null,
};
const snapshotOf = (
  chains: NonNullable<View["snapshot"]>["chains"],
  publications: object[] = [],
): NonNullable<View["snapshot"]> => ({
  chains,
  escrows: 5,
  events: 21,
  anomalies: 0,
  publications: publications as NonNullable<View["snapshot"]>["publications"],
});

const text = (view: Partial<View>): string => renderView({ ...nothing, ...view }).join("\n");

test("before anything is known the view says that it is starting, and since when", () => {
  expect(renderView(nothing)).toEqual(["escrow-stream   0 s   starting", ""]);
  expect(text({ elapsedMs: 61_999 })).toContain("61 s");
});

test("once the query side is up the view says where", () => {
  expect(text({ apiUrl: "http://127.0.0.1:4000" })).toContain(
    "GraphQL http://127.0.0.1:4000/graphql",
  );
});

test("a chain's line has its head, what is indexed and final, and how far behind that is", () => {
  expect(text({ snapshot: snapshotOf([chain]) })).toContain(
    "chain local (31337)   head 120   indexed 117   final 90   lag 3 blocks",
  );
});

test("a chain that does not answer, or is not indexed yet, has no lag", () => {
  expect(text({ snapshot: snapshotOf([{ ...chain, head: null }]) })).toContain(
    "head no answer   indexed 117   final 90   lag -",
  );
  expect(text({ snapshot: snapshotOf([{ ...chain, indexed: null, finalized: null }]) })).toContain(
    "indexed -   final -   lag -",
  );
});

test("an index that is ahead of a head read before it is no negative lag", () => {
  expect(text({ snapshot: snapshotOf([{ ...chain, indexed: 121 }]) })).toContain("lag 0 blocks");
});

test("a topic's line has what is published, waiting and received here", () => {
  const view = { snapshot: snapshotOf([], [final]) };
  expect(text(view)).toMatch(/topic settlement\.events\.v1 +finalized +published 12 +waiting 3/);
  expect(text(view)).not.toContain("received here");
  const receivedPerTopic = new Map([["settlement.events.v1", 11]]);
  expect(text({ ...view, receivedPerTopic })).toContain("received here 11");
});

test("a publication that was stopped says why", () => {
  const halted = { ...final, haltedReason: "same id with other bytes" };
  expect(text({ snapshot: snapshotOf([], [halted]) })).toContain(
    "HALTED: same id with other bytes",
  );
});

test("amounts are shown in ether, without rounding up", () => {
  const message = { topic: "t", type: "EscrowReleased", escrow: "0xe5", sequence: "4" };
  const shown = (amountWei: string) => text({ messages: [{ ...message, amountWei }] });
  expect(shown("1500000000000000000")).toContain("0xe5 #4  1.5000 ether");
  expect(shown("999999999999999999")).toContain("0.9999 ether");
  expect(shown("1")).toContain("0.0000 ether");
  expect(shown(String(2n ** 256n - 1n))).toMatch(/ {2}\d{60}\.\d{4} ether/);
});

test("a message without an amount shows none, and the newest is last", () => {
  const message = { topic: "t", type: "Approved", escrow: "0xe5" };
  const lines = renderView({
    ...nothing,
    messages: [
      { ...message, sequence: "1" },
      { ...message, sequence: "2" },
    ],
  });
  expect(lines.at(-2)).toMatch(/0xe5 #1$/);
  expect(lines.at(-1)).toMatch(/0xe5 #2$/);
});

test("notices come last", () => {
  expect(renderView({ ...nothing, notices: ["relay started again"] }).at(-1)).toBe(
    "  ! relay started again",
  );
});
