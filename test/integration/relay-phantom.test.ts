import type { BlockEvidence } from "@escrow-stream/relay";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { withClient } from "../../db/with-client.ts";
import { ensureWitnessTables } from "../../engine/witness-tables.ts";
import { RelayBed } from "../support/relay-bed.ts";
import { waitUntil } from "../support/wait-until.ts";

/* Events that were published as provisional and are proven to have never been on the chain. */

/** Every block stands: what never was is in a block of the chain. */
const STANDS: BlockEvidence = { isReplaced: async () => false, isCanonical: async () => true };

const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());

let seen: string[];
beforeEach(async () => {
  await bed.renew();
  await withClient(bed.url, ensureWitnessTables);
  bed.gate = { isOn: true, except: [] };
  seen = await bed.subscribe(({ orderingKey, attributes }) => {
    const { sequence, retracts, event_id } = attributes;
    return `${orderingKey} ${sequence} ${retracts ? `-${retracts}` : event_id}`;
  });
  bed.startRelay({}, STANDS);
});

async function find(
  kind: "hole" | "phantom",
  eventId: string,
  { basis = "proof", isWithdrawn = false } = {},
): Promise<void> {
  await bed.pool.query(
    `insert into witness.finding
       (deployment, chain_id, kind, event_id, block_number, detail, basis, withdrawn_at)
     values ('escrow_before', 1, $1, $2, 2, 'as the receipts prove', $3, $4)`,
    [kind, eventId, basis, isWithdrawn ? new Date() : null],
  );
}

/** What the engine made of a node's lie, with its key going on behind it; all of it is final. */
async function publishThree(): Promise<void> {
  await bed.outbox.append(...[1, 2, 3].map((block) => ({ key: "a", block })), {
    key: "b",
    block: 3,
    index: 1,
  });
  await bed.outbox.moveTo({ latest: 9, finalized: 9 });
  await waitUntil("all is published", () => seen.length === 4);
}

/** Another deployment is shown, in which these rows are not. */
async function heal(...eventIds: string[]): Promise<void> {
  await bed.pool.query("delete from escrow.outbox where event_id = any ($1)", [eventIds]);
  await bed.outbox.deploy("build-2");
}

const ofKeyA = () => seen.filter((each) => each.startsWith("a "));

test("an event that never was is retracted when its row is gone, and its key goes on [G-5]", async () => {
  await publishThree();
  await find("phantom", "e-2-0");
  await bed.outbox.append({ key: "a", block: 4 });
  await waitUntil("the key goes on while the row is there", () => ofKeyA().length === 4);
  await heal("e-2-0");
  await waitUntil("it is retracted", () => ofKeyA().length === 5);
  await bed.outbox.append({ key: "a", block: 5 });
  await waitUntil("the key goes on", () => ofKeyA().length === 6);
  expect(ofKeyA()).toEqual([
    "a 1 e-1-0",
    "a 2 e-2-0",
    "a 3 e-3-0",
    "a 4 e-4-0",
    "a 5 -e-2-0",
    "a 6 e-5-0",
  ]);
});

test.each([
  { name: "without such a proof", given: () => find("hole", "e-2-0") },
  {
    name: "and of which endpoints agree that it never was",
    given: () => find("phantom", "e-2-0", { basis: "agree:2" }),
  },
  {
    name: "and that the chain turned out to have",
    given: () => find("phantom", "e-2-0", { isWithdrawn: true }),
  },
])(
  "a row that is gone $name is retracted by nothing, whatever else was found [G-5]",
  async ({ given }) => {
    await publishThree();
    await given();
    await find("phantom", "e-3-1");
    await heal("e-2-0", "e-3-1");
    await waitUntil("the other one is retracted", () => seen.includes("b 2 -e-3-1"));
    await bed.outbox.append({ key: "b", block: 6 });
    await waitUntil("its key goes on", () => seen.includes("b 3 e-6-0"));
    expect(ofKeyA()).toHaveLength(3);
  },
);

test("an event that is proven to have never been, and comes back all the same, is a new incarnation", async () => {
  await publishThree();
  await find("phantom", "e-2-0");
  await heal("e-2-0");
  await waitUntil("it is retracted", () => ofKeyA().length === 4);
  await bed.outbox.append({ key: "a", block: 2 });
  await bed.outbox.deploy("build-3");
  await waitUntil("it is published again", () => ofKeyA().length === 5);
  expect(ofKeyA().slice(3)).toEqual(["a 4 -e-2-0", "a 5 e-2-0#2"]);
});
