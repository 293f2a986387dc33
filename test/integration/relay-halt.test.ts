import type { BlockEvidence } from "@escrow-stream/relay";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import {
  haltForBlock,
  readHaltedFor,
  resumePublication,
} from "../../packages/relay/journal/final-halt.ts";
import { haltPublication } from "../../packages/relay/journal/publication.ts";
import { type LogLine, recordingLog } from "../support/recording-log.ts";
import { RelayBed } from "../support/relay-bed.ts";
import { publicationWithLeases } from "../support/relay-world.ts";
import { StandInOutbox } from "../support/stand-in-outbox.ts";
import { waitUntil } from "../support/wait-until.ts";

/* When a final publication halts, and when it goes on by itself. */

const FINAL = { PUBLICATIONS: "topic-a=finalized" };

const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());

let seen: string[];
let chain: StubChain;
let lines: LogLine[];
beforeEach(async () => {
  await bed.renew();
  seen = await bed.subscribe(({ attributes }) => attributes.event_id ?? "");
  chain = new StubChain();
});

/** What the chain is made to say of blocks. */
class StubChain implements BlockEvidence {
  readonly replaced = new Set<string>();
  /** Called before each answer. */
  onAsked: (hash: string) => unknown = () => undefined;

  async isReplaced(_line: number, _height: number, hash: string): Promise<boolean> {
    await this.onAsked(hash);
    return this.replaced.has(hash);
  }

  async isCanonical(_line: number, _height: number, hash: string): Promise<boolean> {
    return !this.replaced.has(hash);
  }
}

function startRelay(env: Record<string, string> = {}): void {
  const recording = recordingLog();
  lines = recording.lines;
  bed.startRelay({ ...FINAL, ...env }, chain, undefined, recording.log);
}

const logged = (event: string): LogLine[] =>
  lines.filter((line) => (line as LogLine & { event?: string }).event === event);

async function publishFirst(): Promise<void> {
  startRelay();
  await bed.outbox.append({ key: "a", block: 1 });
  await bed.outbox.moveTo({ latest: 9, finalized: 5 });
  await waitUntil("it is published", () => seen.length === 1);
}

async function haltedReason(): Promise<string | null> {
  const { rows } = await bed.pool.query("select halted_reason from relay.publication");
  return rows[0]?.halted_reason ?? null;
}

async function goOn(): Promise<void> {
  await bed.outbox.append({ key: "a", block: 7 });
  await bed.outbox.moveTo({ latest: 19, finalized: 15 });
}

describe("a final publication", () => {
  test("goes on in a build that lacks its newest event, once the chain is seen to have that block", async () => {
    await publishFirst();
    await bed.outbox.append({ key: "b", block: 5 });
    await waitUntil("the newest is published", () => seen.length === 2, 15_000);
    // As when a factory was taken out of the configuration.
    await bed.pool.query("delete from escrow.outbox where ordering_key = 'b'");
    await bed.outbox.deploy("build-2");
    let isAsked = false;
    chain.isCanonical = async () => {
      isAsked = true;
      return false;
    };
    await goOn();
    await waitUntil("it was asked for", () => isAsked, 15_000);
    expect(seen).toEqual(["e-1-0", "e-5-0"]);
    chain.isCanonical = async () => true;
    await waitUntil("it goes on", () => seen.length === 3, 15_000);
    expect(seen).toEqual(["e-1-0", "e-5-0", "e-7-0"]);
    expect(await haltedReason()).toBeNull();
    expect(logged("events.missing")).not.toEqual([]);
  });

  test("halts for no block that seems to be replaced for a while [G-5]", async () => {
    await publishFirst();
    let asked = 0;
    chain.onAsked = (hash) => {
      // The first look sees a lie, the second one does not.
      if (hash === "0x1" && ++asked > 1) chain.replaced.clear();
    };
    chain.replaced.add("0x1");
    await goOn();
    await waitUntil("it goes on", () => seen.length === 2);
    expect(logged("finality.suspected")).not.toEqual([]);
    expect(logged("publication.halted")).toEqual([]);
  });

  test("publishes nothing of a chain while one of its blocks is suspected, and everything of others", async () => {
    startRelay({ RELAY_HALT_LOOKS_APART_MS: "600000" });
    await bed.outbox.append({ key: "a", block: 1 });
    await bed.outbox.moveTo({ latest: 9, finalized: 5 });
    await waitUntil("it is published", () => seen.length === 1);
    chain.replaced.add("0x1");
    await goOn();
    await waitUntil("it is suspected", () => logged("finality.suspected").length > 0);
    await publishOnChain2();
    expect(seen).toEqual(["e-1-0", "of-chain-2"]);
  });

  test("waits for no chain whose nodes do not answer", async () => {
    startRelay();
    chain.onAsked = (hash) => (hash === "0x1" ? new Promise(() => undefined) : undefined);
    await bed.outbox.append({ key: "a", block: 1 });
    await bed.outbox.moveTo({ latest: 9, finalized: 5 });
    await publishOnChain2();
    expect(seen).toEqual(["of-chain-2"]);
  });

  test("does not halt for a block that no longer counts as final when it would, and was not published [G-5]", async () => {
    await publishFirst();
    let asked = 0;
    chain.onAsked = async (hash) => {
      // Between the looks the engine goes back: it restarted, or another deployment is shown.
      if (hash === "0x7" && ++asked === 2) await bed.outbox.moveTo({ latest: 9, finalized: 5 });
    };
    chain.replaced.add("0x7");
    await goOn();
    await waitUntil("it was looked at twice", () => asked > 1);
    await bed.outbox.append({ key: "b", block: 4, index: 3 });
    await waitUntil("it goes on", () => seen.includes("e-4-3"));
    expect(await haltedReason()).toBeNull();
    expect(seen).toEqual(["e-1-0", "e-4-3"]);
  });

  test("halts for a block that it is about to publish of", async () => {
    await publishFirst();
    chain.replaced.add("0x7");
    await goOn();
    const reason = await waitUntil("it halts", async () => (await haltedReason()) ?? undefined);
    expect(reason).toContain("block 7 (0x7)");
    expect(seen).toEqual(["e-1-0"]);
  });

  test("goes on by itself, with everything once, when the chain has the block after all [G-5]", async () => {
    await publishFirst();
    chain.replaced.add("0x1");
    await goOn();
    await waitUntil("it halts", async () => (await haltedReason()) !== null);
    chain.replaced.clear();
    await waitUntil("it goes on", () => seen.length === 2);
    expect(seen).toEqual(["e-1-0", "e-7-0"]);
    expect(await haltedReason()).toBeNull();
    expect(logged("publication.resumed")).toHaveLength(1);
  });
});

async function publishOnChain2(): Promise<void> {
  const of = { chain: 2, id: "of-chain-2", hash: "0xc2" };
  await bed.outbox.append({ key: "b", block: 1, ...of });
  await bed.outbox.moveTo({ latest: 9, finalized: 5, chain: 2 });
  await waitUntil("chain 2 is published", () => seen.includes(of.id));
}

test("a halt ends by itself only while it is the one for the block [G-5]", async () => {
  const { db, pool } = await bed.world.database();
  const outbox = await StandInOutbox.create(pool);
  const { publication, leases } = await publicationWithLeases(db, {
    topic: "final-topic",
    finality: "finalized",
  });
  const leader = leases.leader(publication);
  if (leader === null) throw new Error("the leadership was not taken");
  const as = { instance: leases.instance, leader };
  await outbox.append({ key: "a", block: 1 });
  await outbox.moveTo({ latest: 9, finalized: 0 });
  const { rows } = await pool.query("select position from escrow.outbox");
  const block = { line: 1, height: 1, hash: "0x1", eventId: "e-1-0", isCaptured: false };
  const halt = () => haltForBlock(db, ponderOutbox(), publication, { ...block, ...rows[0] });
  const set = (text: string) => pool.query(`update relay.publication set ${text}`);

  // Not final, not published: no reason.
  expect(await halt()).toBeNull();
  expect(
    await haltForBlock(db, ponderOutbox(), publication, { ...block, ...rows[0], isCaptured: true }),
  ).toBeNull();
  await outbox.moveTo({ latest: 9, finalized: 5 });
  expect(await halt()).toContain("after it had counted as final");
  // Halted already: whoever comes second changes nothing.
  expect(await halt()).toBeNull();
  const haltedFor = await readHaltedFor(db, publication);
  expect(haltedFor).toMatchObject({ line: 1, height: 1, hash: "0x1" });
  if (haltedFor === null) return;

  // An operator, or a relay of before, that knows of no kinds of halts.
  await set("halted_reason = 'by hand'");
  expect(await readHaltedFor(db, publication)).toBeNull();
  expect(await resumePublication(db, publication, haltedFor, as)).toBe(false);
  await set("halted_reason = null");
  expect(await readHaltedFor(db, publication)).toBeNull();
  await haltPublication(db, publication, "other bytes");
  expect(await readHaltedFor(db, publication)).toBeNull();

  await set("halted_reason = null");
  await halt();
  const former = { ...as, leader: { ...leader, epoch: leader.epoch - 1 } };
  expect(await resumePublication(db, publication, haltedFor, former)).toBe(false);
  expect(await resumePublication(db, publication, haltedFor, as)).toBe(true);
  expect(publication.haltedReason).toBeNull();
});
