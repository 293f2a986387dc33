import { GrpcError } from "@escrow-stream/pubsub-emulator";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { RelayBed } from "../support/relay-bed.ts";
import { waitUntil } from "../support/wait-until.ts";

const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());
beforeEach(() => bed.renew());

/** A pulled receipt comes again after 10 seconds, and the relay waits for it. */
const LONG_MS = 90_000;

const subscribe = (): Promise<string[]> =>
  bed.subscribe(({ attributes }) => attributes.event_id ?? "");

async function published(): Promise<number> {
  const { rows } = await bed.pool.query(
    "select coalesce(sum(published_sequence), 0)::int as count from relay.ordering_key",
  );
  return rows[0].count;
}

/** Events are accepted, and nobody hears of it. */
function loseResponses(): { lost: number } {
  const count = { lost: 0 };
  bed.fault = async ({ messages }, accept) => {
    const response = accept();
    if (!messages.some(({ attributes }) => attributes.has("event_id"))) return response;
    count.lost += 1;
    throw new GrpcError(status.UNAVAILABLE, "lost on the way");
  };
  return count;
}

test(
  "what a new topic accepted before the relay knew of it is not sent to it again",
  async () => {
    const old = await subscribe();
    bed.startRelay();
    await bed.outbox.append({ key: "a", block: 1 });
    await waitUntil("the first is out", async () => (await published()) === 1);
    await waitUntil("and came", () => old.length === 1);

    await bed.deleteTopic();
    const received = await subscribe();
    const count = loseResponses();
    await bed.outbox.append({ key: "a", block: 2 });
    await waitUntil("the response got lost", () => count.lost === 1);
    bed.fault = null;
    await bed.outbox.append({ key: "a", block: 3 });
    await waitUntil("all are out", async () => (await published()) === 3, LONG_MS);
    await waitUntil("the third came", () => received.includes("e-3-0"));
    expect(old).toEqual(["e-1-0"]);
    expect(received).toEqual(["e-2-0", "e-3-0"]);
  },
  LONG_MS,
);

test(
  "a receipt that a dead relay had pulled is waited for before its topic is forgotten",
  async () => {
    const old = await subscribe();
    const stop = bed.startRelay({}, undefined, ({ receipts }) => {
      receipts.pull = () => Promise.reject(new Error("the receipts cannot be read"));
    });
    await waitUntil("the relay is ready", () => isCapturing());
    const count = loseResponses();
    await bed.outbox.append({ key: "a", block: 1 });
    await waitUntil("the response got lost", () => count.lost === 1);
    await waitUntil("the event came", () => old.length === 1);
    await stop();

    await bed.deleteTopic();
    const received = await subscribe();
    bed.fault = null;
    expect(await bed.takeReceipts()).toBeGreaterThan(0);
    bed.startRelay();
    await bed.outbox.append({ key: "a", block: 2 });
    await waitUntil("both are out", async () => (await published()) === 2, LONG_MS);
    await waitUntil("the second came", () => received.length > 0);
    expect(old).toEqual(["e-1-0"]);
    expect(received).toEqual(["e-2-0"]);
  },
  LONG_MS,
);

async function isCapturing(): Promise<boolean> {
  const { rows } = await bed.pool.query(
    "select count(*)::int as count from relay.publication where known_in is not null",
  );
  return rows[0].count > 0;
}

test(
  "a topic that vanishes is made again, where the relay may make topics",
  async () => {
    // What the old one's receipts hold is waited for before.
    await subscribe();
    bed.startRelay();
    await bed.outbox.append({ key: "a", block: 1 });
    await waitUntil("the first is out", async () => (await published()) === 1, 15_000);
    await bed.deleteTopic();
    await bed.outbox.append({ key: "a", block: 2 });
    await waitUntil("the second is accepted", async () => (await published()) === 2, 60_000);
  },
  LONG_MS,
);
