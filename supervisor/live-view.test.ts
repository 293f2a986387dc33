import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { renderView, type Size, type View } from "./live-view.ts";

const LARGE: Size = { columns: 200, rows: 50 };
const nothing: View = {
  state: null,
  banner: [],
  snapshot: null,
  messages: [],
  receivedPerTopic: new Map(),
  notices: [],
  elapsedMs: 0,
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

const text = (view: Partial<View>, size = LARGE): string =>
  renderView({ ...nothing, ...view }, size).join("\n");

test("what goes on stands first, and since when", () => {
  expect(renderView({ ...nothing, state: "starting" }, LARGE)).toEqual([
    "escrow-stream   0 s   starting",
  ]);
  expect(text({ elapsedMs: 61_999 })).toContain("61 s");
});

test("while everything runs the view says where to ask, also where there is no room for the rest", () => {
  const banner = ["PostgreSQL  embedded", "API         http://127.0.0.1:4000/graphql  and more"];
  expect(text({ banner })).toContain("PostgreSQL  embedded");
  const low = text({ banner }, { columns: 80, rows: 24 });
  expect(low).toContain("API http://127.0.0.1:4000/graphql");
  expect(low).not.toContain("PostgreSQL");
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
    "HALTED: settlement.events.v1: same id with other bytes",
  );
});

test("what holds a final publication is said, with how far its chains are verified", () => {
  const line = { line: 31_337, finalThrough: 90, gate: "on", verifiedThrough: 80, basis: "proof" };
  const held = { ...line, heldAt: 81, because: "hole at block 81: event x" };
  const shown = text({ snapshot: snapshotOf([chain], [{ ...final, lines: [held] }]) });
  expect(shown).toContain("final 90   verified 80   lag 3 blocks");
  expect(shown).toContain(
    "HELD: settlement.events.v1: chain 31337 at block 81: hole at block 81: event x",
  );
  const off = { ...line, gate: "off", verifiedThrough: null, heldAt: null, because: null };
  const free = text({ snapshot: snapshotOf([chain], [{ ...final, lines: [off] }]) });
  expect(free).not.toMatch(/verified|HELD/);
});

test("history that is being proven has a bar, and what is proven has none", () => {
  const behind = { ...chain, proving: { proven: 2_500, of: 10_000 } };
  expect(text({ snapshot: snapshotOf([behind]) })).toContain(
    "proving local   [#####...............] 25 % of what is final",
  );
  expect(text({ snapshot: snapshotOf([chain]) })).not.toContain("proving");
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
  const messages = ["1", "2"].map((sequence) => ({ ...message, sequence }));
  const lines = renderView({ ...nothing, messages }, LARGE);
  expect(lines.at(-2)).toMatch(/0xe5 #1$/);
  expect(lines.at(-1)).toMatch(/0xe5 #2$/);
});

test("notices come last, without what would move the cursor", () => {
  const notices = ["relay started again", "\x1b[2Jodd\r\nlines"];
  expect(renderView({ ...nothing, notices }, LARGE).slice(-2)).toEqual([
    "  ! relay started again",
    "  ! odd lines",
  ]);
});

describe.each<Size>([
  { columns: 40, rows: 10 },
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 200, rows: 50 },
])("At $columns × $rows", (size) => {
  const address = `0x${"ab".repeat(20)}`;
  const full: View = {
    state: "starting again what ended, which is a long story that needs more than one line to tell",
    banner: [
      "PostgreSQL  postgres://escrow_reader:reader@127.0.0.1:37587/escrow",
      "API  http://here",
    ],
    snapshot: {
      ...snapshotOf(
        [
          {
            name: "sepolia",
            chainId: 11_155_111,
            head: 9_508_365,
            indexed: 9_508_364,
            finalized: 9_508_300,
          },
          { ...chain, name: "链上的名字" },
        ],
        [final, { ...final, topic: "chain.events.v1", published: 1_234_567, backlog: 89_012 }],
      ),
      events: 9_876_543,
    },
    messages: Array.from({ length: 100 }, (_, at) => ({
      topic: at % 2 === 0 ? "settlement.events.v1" : "chain.events.v1",
      type: at % 2 === 0 ? "EscrowReleased" : "ArbiterChanged",
      escrow: address,
      sequence: String(at + 1),
      amountWei: "123456000000000000000",
    })),
    receivedPerTopic: new Map([["chain.events.v1", 7_654_321]]),
    notices: Array.from({ length: 20 }, (_, at) => `notice ${at} ${"of many words ".repeat(12)}`),
    elapsedMs: 123_456,
  };
  const lines = renderView(full, size);

  test("every line fits, and all of them fit onto the screen", () => {
    for (const line of lines) expect(stringWidth(line), line).toBeLessThanOrEqual(size.columns);
    expect(lines.length).toBeLessThanOrEqual(size.rows);
  });

  test("nothing is left empty that could show a message or a notice", () => {
    expect(lines.length).toBe(size.rows);
  });

  test("the newest notice and, above it, the newest message are shown", () => {
    expect(lines.join("\n")).toContain("! notice 19");
    expect(renderView({ ...full, state: null, notices: ["careful"] }, size).at(-1)).toBe(
      "  ! careful",
    );
  });

  test("the numbers that are shown are whole", () => {
    const words = lines.join(" ").replaceAll(",", " ").split(/\s+/);
    const known = ["31337", "11155111", "9508365", "9508364", "9508300", "120", "117", "90"];
    known.push("123", "12", "3", "1", "64", "5", "9876543", "0", "1234567", "89012", "7654321");
    for (const word of words.map((each) => each.replace(/^\(|\)$/g, "")))
      if (/^\d+$/.test(word) && !lines.some((line) => line.includes(`! notice ${word}`)))
        expect(known, word).toContain(word);
    if (size.rows >= 24) {
      for (const number of ["9508365", "9876543", "1234567", "89012", "7654321"])
        expect(words).toContain(number);
      expect(lines.join("\n")).toMatch(/#100 {2}123\.4560 ether/);
    }
  });

  test("the addresses get shorter before anything else does", () => {
    const shown = lines.filter((line) => line.includes("#100")).join("");
    if (size.columns >= 120) expect(shown).toContain(address);
    else if (size.columns >= 80) expect(shown).toContain("chain.events.v1 ");
  });
});
