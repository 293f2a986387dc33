import type { BlockEvidence } from "@escrow-stream/relay";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RelayBed } from "../support/relay-bed.ts";
import { waitUntil } from "../support/wait-until.ts";

const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());
beforeEach(() => bed.renew());

/** What the chain is made to say: these blocks are replaced. Every question is counted. */
class StubChain implements BlockEvidence {
  readonly replaced = new Set<string>();
  asked = 0;

  async isReplaced(_chainId: number, _blockNumber: number, blockHash: string): Promise<boolean> {
    this.asked += 1;
    return this.replaced.has(blockHash);
  }

  async isCanonical(_chainId: number, _blockNumber: number, blockHash: string): Promise<boolean> {
    return !this.replaced.has(blockHash);
  }
}

type Seen = { key: string; sequence: number; id: string; retracts?: string; body: string };

function subscribe(): Promise<Seen[]> {
  return bed.subscribe(({ orderingKey, attributes, data }) => ({
    key: orderingKey ?? "",
    sequence: Number(attributes.sequence),
    id: attributes.event_id ?? "",
    ...(attributes.retracts === undefined ? {} : { retracts: attributes.retracts }),
    body: data.toString(),
  }));
}

function told(seen: Seen[], key = "a"): string[] {
  return seen
    .filter((one) => one.key === key)
    .map(({ sequence, id, retracts }) => `${sequence} ${retracts ? `-${retracts}` : id}`);
}

async function threeBlocks(): Promise<void> {
  await bed.outbox.append(
    { key: "a", block: 1 },
    { key: "a", block: 2 },
    { key: "b", block: 2, index: 1 },
    { key: "a", block: 3 },
  );
  await bed.outbox.moveTo({ latest: 3, finalized: 1 });
}

describe("a reorg", () => {
  test("while another build was live is told when the earlier one is again [G-5]", async () => {
    const seen = await subscribe();
    const chain = new StubChain();
    await bed.outbox.append({ key: "a", block: 1 });
    await bed.outbox.moveTo({ latest: 1, finalized: 0 });
    const endOfFirst = bed.startRelay({}, chain);
    await waitUntil("the first is told", () => seen.length === 1, 15_000);
    await endOfFirst();

    await bed.outbox.deploy("build-2");
    await bed.outbox.append({ key: "a", block: 2 });
    const endOfSecond = bed.startRelay({}, chain);
    await waitUntil("the second build's event is told", () => seen.length === 2, 15_000);
    await endOfSecond();

    // The first build's own rows: its tip is where it was, and what follows is another branch.
    await bed.outbox.deploy("build-1");
    await bed.outbox.rollBackTo(1);
    await bed.outbox.append({ key: "a", block: 2, hash: "0x2b", id: "e-2-b" });
    chain.replaced.add("0x2");
    bed.startRelay({}, chain);
    await waitUntil(
      "the replacement is told",
      () => told(seen).some((one) => one.includes("e-2-b")),
      15_000,
    );
    expect(told(seen)).toEqual(["1 e-1-0", "2 e-2-0", "3 -e-2-0", "4 e-2-b"]);
  });

  test("is told although older history was captured after what it dropped [G-5]", async () => {
    const seen = await subscribe();
    const chain = new StubChain();
    bed.startRelay({ PUBLICATIONS: "topic-a=latest;keys=1" }, chain);
    await bed.outbox.append({ key: "young", block: 5 });
    await bed.outbox.moveTo({ latest: 5, finalized: 3 });
    await waitUntil("the young event is told", () => seen.length === 1, 15_000);
    // As when a second factory is followed: its history stands before what was captured already.
    await bed.outbox.append({ key: "old", block: 2 });
    await bed.outbox.deploy("build-2");
    await waitUntil("the history is told", () => seen.length === 2, 15_000);
    chain.replaced.add("0x5");
    await bed.outbox.rollBackTo(4);
    await bed.outbox.append({ key: "young", block: 5, hash: "0x5b", id: "e-5-b" });
    await waitUntil("what replaces it is told", () => seen.length === 4, 15_000);
    expect(told(seen, "h0")).toEqual(["1 e-5-0", "2 e-2-0", "3 -e-5-0", "4 e-5-b"]);
  });

  test("is told while the nodes of another chain, which also lost rows, do not answer", async () => {
    const seen = await subscribe();
    const chain = new StubChain();
    let answer = (): void => undefined;
    bed.startRelay(
      {},
      {
        isReplaced: (id, height, hash) =>
          id === 2
            ? new Promise((resolve) => (answer = () => resolve(true)))
            : chain.isReplaced(id, height, hash),
        isCanonical: async () => false,
      },
    );
    await threeBlocks();
    await bed.outbox.append({ key: "c", block: 2, chain: 2, id: "other" });
    await bed.outbox.moveTo({ latest: 3, finalized: 1, chain: 2 });
    await waitUntil("all is told", () => seen.length === 5);
    chain.replaced.add("0x3");
    await bed.outbox.rollBackTo(1);
    await bed.outbox.append({ key: "a", block: 2 }, { key: "b", block: 2, index: 1 });
    await waitUntil("the living chain's is told", () => told(seen).includes("4 -e-3-0"));
    expect(told(seen, "c")).toEqual(["1 other"]);
    answer();
    await waitUntil("the other one's is told when it answers", () =>
      told(seen, "c").includes("2 -other"),
    );
  });

  test("is told: each dropped event is retracted once, the last first, before what replaces it [G-5]", async () => {
    const seen = await subscribe();
    const chain = new StubChain();
    bed.startRelay({}, chain);
    await threeBlocks();
    await waitUntil("all is told", () => seen.length === 4);
    chain.replaced.add("0x2").add("0x3");
    await bed.outbox.rollBackTo(1);
    await bed.outbox.append({ key: "a", block: 2, id: "n-2" });
    await waitUntil("the replacement is told", () => seen.some(({ id }) => id === "n-2"));
    expect(told(seen)).toEqual(["1 e-1-0", "2 e-2-0", "3 e-3-0", "4 -e-3-0", "5 -e-2-0", "6 n-2"]);
    expect(told(seen, "b")).toEqual(["1 e-2-1", "2 -e-2-1"]);
  });

  test("is not told without evidence: the key waits, other keys go on, the engine comes back [G-5]", async () => {
    const seen = await subscribe();
    const chain = new StubChain();
    bed.startRelay({}, chain);
    await threeBlocks();
    await waitUntil("all is told", () => seen.length === 4);
    await bed.outbox.rollBackTo(1);
    await bed.outbox.append({ key: "c", block: 2, index: 9 });
    await waitUntil("the other key goes on", () => seen.some(({ key }) => key === "c"));
    await waitUntil("the chain was asked", () => chain.asked > 3);
    expect(told(seen)).toEqual(["1 e-1-0", "2 e-2-0", "3 e-3-0"]);
    await bed.outbox.rollBackTo(1);
    await threeBlocksAgain();
    await bed.outbox.append({ key: "a", block: 4 });
    await waitUntil("the key goes on", () => seen.some(({ id }) => id === "e-4-0"));
    expect(told(seen)).toEqual(["1 e-1-0", "2 e-2-0", "3 e-3-0", "4 e-4-0"]);
    expect(seen.some(({ retracts }) => retracts)).toBe(false);
  });

  test("a dropped block that returns is told again as a new incarnation of the same event", async () => {
    const seen = await subscribe();
    const chain = new StubChain();
    bed.startRelay({}, chain);
    await threeBlocks();
    await waitUntil("all is told", () => seen.length === 4);
    chain.replaced.add("0x3");
    await bed.outbox.rollBackTo(2);
    await waitUntil("it is retracted", () => seen.some(({ retracts }) => retracts === "e-3-0"));
    chain.replaced.clear();
    await bed.outbox.append({ key: "a", block: 3 });
    await waitUntil("it is told again", () => seen.some(({ id }) => id === "e-3-0#2"));
    expect(told(seen)).toEqual(["1 e-1-0", "2 e-2-0", "3 e-3-0", "4 -e-3-0", "5 e-3-0#2"]);
    const copies = seen.filter(({ id }) => id.startsWith("e-3-0"));
    expect(new Set(copies.map(({ body }) => body)).size).toBe(1);
    chain.replaced.add("0x3");
    await bed.outbox.rollBackTo(2);
    await waitUntil("it is retracted again", () => seen.length === 7);
    expect(told(seen).at(-1)).toBe("6 -e-3-0");
  });

  test("a swap of deployments, and a checkpoint that moves backwards, retract nothing [G-5]", async () => {
    const seen = await subscribe();
    const chain = new StubChain();
    bed.startRelay({}, chain);
    await threeBlocks();
    await waitUntil("all is told", () => seen.length === 4);
    await bed.outbox.moveTo({ latest: 1, finalized: 0 });
    await bed.outbox.rollBackTo(1);
    await bed.outbox.deploy("build-2");
    await threeBlocksAgain();
    await bed.outbox.append({ key: "a", block: 4 });
    await waitUntil("the key goes on", () => seen.some(({ id }) => id === "e-4-0"));
    expect(seen).toHaveLength(5);
  });

  test("deeper than finality halts the final publication, and says why", async () => {
    const seen = await subscribe();
    const chain = new StubChain();
    bed.startRelay({ PUBLICATIONS: "topic-a=finalized" }, chain);
    await bed.outbox.append({ key: "a", block: 1 });
    await bed.outbox.moveTo({ latest: 9, finalized: 5 });
    await waitUntil("it is told", () => seen.length === 1);
    chain.replaced.add("0x1");
    await bed.outbox.rollBackTo(0);
    const reason = await waitUntil("it is halted", async () => {
      const { rows } = await bed.pool.query("select halted_reason from relay.publication");
      return rows[0]?.halted_reason ?? undefined;
    });
    expect(reason).toContain("had counted as final");
    await bed.outbox.append({ key: "a", block: 1, id: "n-1" });
    expect(seen).toHaveLength(1);
  });

  test("deeper than finality halts the final publication before it tells what came of it, also when no relay was there", async () => {
    const seen = await subscribe();
    const chain = new StubChain();
    const stop = bed.startRelay({ PUBLICATIONS: "topic-a=finalized" }, chain);
    await bed.outbox.append({ key: "a", block: 1 });
    await bed.outbox.moveTo({ latest: 9, finalized: 5 });
    await waitUntil("it is told", () => seen.length === 1);
    await stop();
    chain.replaced.add("0x1");
    await bed.outbox.append({ key: "a", block: 2 });
    await bed.outbox.moveTo({ latest: 19, finalized: 15 });
    bed.startRelay({ PUBLICATIONS: "topic-a=finalized" }, chain);
    await waitUntil("it is halted", async () => {
      const { rows } = await bed.pool.query("select halted_reason from relay.publication");
      return rows[0]?.halted_reason ?? undefined;
    });
    const { rows } = await bed.pool.query("select event_id from relay.message");
    expect(rows).toEqual([{ event_id: "e-1-0" }]);
  });
});

async function threeBlocksAgain(): Promise<void> {
  await bed.outbox.append(
    { key: "a", block: 2 },
    { key: "b", block: 2, index: 1 },
    { key: "a", block: 3 },
  );
}
