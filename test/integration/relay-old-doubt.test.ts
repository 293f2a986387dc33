import { GrpcError } from "@escrow-stream/pubsub-emulator";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Receipts } from "../../packages/relay/doubt/receipts.ts";
import { RelayBed } from "../support/relay-bed.ts";
import { subscribe } from "../support/restore-story.ts";
import { waitUntil } from "../support/wait-until.ts";

const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());
beforeEach(() => bed.renew());

const RETENTION = { RELAY_RECEIPTS_RETENTION_HOURS: "1" };

/** A request that is accepted and in doubt, and a relay that is gone before it asks. */
async function leaveInDoubt(): Promise<void> {
  bed.fault = async ({ messages }, accept) => {
    const response = accept();
    if (!messages.some(({ attributes }) => attributes.has("event_id"))) return response;
    throw new GrpcError(status.UNAVAILABLE, "lost on the way");
  };
  const end = bed.startRelay({ ...RETENTION, RELAY_IN_DOUBT_MARGIN_MS: "60000" });
  await bed.outbox.append({ key: "a", block: 1 });
  await waitUntil("it is in doubt", async () => (await keyA()).is_doubted, 15_000);
  await end();
  bed.fault = null;
}

async function keyA() {
  const { rows } = await bed.pool.query(
    "select * from relay.ordering_key where ordering_key = 'a'",
  );
  return rows[0] ?? { is_doubted: false };
}

/** So long ago that Pub/Sub has dropped its receipt. */
async function letTimePass(): Promise<void> {
  const receipts = new Receipts(bed.config().pubsub, 3_600_000);
  await receipts.purge("topic-a", Date.now() + 5_000);
  await receipts.close();
  await bed.pool.query("update relay.ordering_key set in_doubt_at = now() - interval '61 minutes'");
}

test("A doubt that is older than its receipt is kept is left to an operator, and nothing is sent again [G-4]", async () => {
  const seen = await subscribe(bed);
  await leaveInDoubt();
  await letTimePass();
  bed.startRelay(RETENTION);
  await bed.outbox.append({ key: "b", block: 2 }, { key: "a", block: 3 });
  await waitUntil(
    "the key is blocked",
    async () => (await keyA()).blocked_reason ?? undefined,
    15_000,
  );
  await waitUntil("another key goes on", () => seen.length === 2, 15_000);
  expect(seen).toEqual(["a#1 e-1-0", "b#1 e-2-0"]);
  expect((await keyA()).blocked_reason).toMatch(
    /^nobody knows whether sequences 1 to 1, .* accepted/,
  );

  // What the page says for one who found it on the topic.
  await bed.pool.query(`
    update relay.ordering_key
    set published_sequence = in_doubt_sequence, is_doubted = false, blocked_reason = null
    where ordering_key = 'a'`);
  await waitUntil("the key goes on", () => seen.length === 3, 15_000);
  expect(seen[2]).toBe("a#2 e-3-0");
});

test("A doubt that is as old is resolved while its receipt is there", async () => {
  const seen = await subscribe(bed);
  await leaveInDoubt();
  await bed.pool.query("update relay.ordering_key set in_doubt_at = now() - interval '61 minutes'");
  bed.startRelay(RETENTION);
  await bed.outbox.append({ key: "a", block: 3 });
  await waitUntil("the key goes on", () => seen.length === 2, 15_000);
  expect(seen).toEqual(["a#1 e-1-0", "a#2 e-3-0"]);
});
