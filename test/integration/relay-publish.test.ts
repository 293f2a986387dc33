import { setTimeout } from "node:timers/promises";
import { GrpcError } from "@escrow-stream/pubsub-emulator";
import { runRelay } from "@escrow-stream/relay";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import { RelayBed } from "../support/relay-bed.ts";
import { silent } from "../support/relay-world.ts";
import { published, subscribe } from "../support/restore-story.ts";
import { waitUntil } from "../support/wait-until.ts";

const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());
beforeEach(() => bed.renew());

const THREE = ["a#1 e-1-0", "a#2 e-2-0", "a#3 e-3-0"];

describe("the relay", () => {
  test("publishes everything once, in sequence per key [G-1]", async () => {
    const seen = await subscribe(bed);
    bed.startRelay();
    await bed.outbox.append({ key: "a", block: 1 }, { key: "b", block: 1, index: 1 });
    await bed.outbox.append({ key: "a", block: 2 }, { key: "a", block: 3 });
    await waitUntil("all four came", () => seen.length === 4);
    expect(seen.filter((one) => one.startsWith("a"))).toEqual(THREE);
    expect(seen.filter((one) => one.startsWith("b"))).toEqual(["b#1 e-1-1"]);
  });

  test("publishes what was missing in an outbox that the same build has made again, and nothing again [G-6]", async () => {
    const seen = await subscribe(bed);
    bed.startRelay();
    await bed.outbox.append({ key: "a", block: 1 }, { key: "a", block: 3 });
    await waitUntil("both came", () => seen.length === 2);
    // One transaction, as a swap of the views: the hole at block 2 is filled, the tip is the same.
    await bed.pool.query(`
      begin;
      alter table escrow.outbox rename to outbox_before;
      create table escrow.outbox (like escrow.outbox_before);
      insert into escrow.outbox select * from escrow.outbox_before;
      insert into escrow.outbox
        select chain_id, replace(position, '1700000001', '1700000002'), 'e-2-0', 2, '0x2', 'a',
               '{"event_id": "e-2-0"}', '{"event_id": "e-2-0"}'
        from escrow.outbox_before where event_id = 'e-1-0';
      commit`);
    await published(bed, 3);
    await waitUntil("all three came", () => seen.length >= 3);
    expect(seen).toEqual(["a#1 e-1-0", "a#2 e-3-0", "a#3 e-2-0"]);
  });

  test("does not send again what was accepted when the response got lost [G-4]", async () => {
    const seen = await subscribe(bed);
    let lost = 0;
    bed.fault = async ({ messages }, accept) => {
      const response = accept();
      const isEvent = messages.some(({ attributes }) => attributes.has("event_id"));
      if (isEvent && lost++ === 0) throw new GrpcError(status.UNAVAILABLE, "lost on the way");
      return response;
    };
    await bed.outbox.append({ key: "a", block: 1 }, { key: "a", block: 2 }, { key: "a", block: 3 });
    bed.startRelay();
    await published(bed, 3);
    expect(lost).toBe(1);
    await waitUntil("all three came", () => seen.length >= 3);
    expect(seen).toEqual(THREE);
  });

  test("waits out the life of each request, also when the same message is in doubt again [G-4]", async () => {
    const seen = await subscribe(bed);
    let attempts = 0;
    bed.fault = async ({ messages }, accept) => {
      if (!messages.some(({ attributes }) => attributes.has("event_id"))) return accept();
      attempts += 1;
      if (attempts > 2) return accept();
      // The first never arrives; the second is accepted when nobody waits for its answer any more.
      if (attempts === 2) void setTimeout(400).then(() => accept());
      throw new GrpcError(status.UNAVAILABLE, "lost on the way");
    };
    await bed.outbox.append({ key: "a", block: 1 });
    bed.startRelay();
    await published(bed, 1);
    await bed.outbox.append({ key: "a", block: 2 });
    await waitUntil("the next one came", () => seen.some((one) => one.startsWith("a#2")));
    expect(seen).toEqual(["a#1 e-1-0", "a#2 e-2-0"]);
    expect(attempts).toBe(3);
  });

  test("sends again what was not accepted, after the receipts said so", async () => {
    const seen = await subscribe(bed);
    let refused = 0;
    bed.fault = async ({ messages }, accept) => {
      const isEvent = messages.some(({ attributes }) => attributes.has("event_id"));
      if (isEvent && refused++ < 2) throw new GrpcError(status.INTERNAL, "never arrived");
      return accept();
    };
    await bed.outbox.append({ key: "a", block: 1 }, { key: "a", block: 2 }, { key: "a", block: 3 });
    bed.startRelay();
    await waitUntil("all three came", () => seen.length >= 3);
    await published(bed, 3);
    expect(seen).toEqual(THREE);
    expect(refused).toBe(3);
  });

  test("a request that is accepted after the client gave up is not sent a second time [G-4]", async () => {
    const seen = await subscribe(bed);
    let late = 0;
    bed.fault = async ({ messages }, accept) => {
      const isEvent = messages.some(({ attributes }) => attributes.has("event_id"));
      if (isEvent && late++ === 0) await setTimeout(500);
      return accept();
    };
    await bed.outbox.append({ key: "a", block: 1 }, { key: "a", block: 2 }, { key: "a", block: 3 });
    bed.startRelay();
    await published(bed, 3);
    await waitUntil("all three came", () => seen.length >= 3);
    expect(seen).toEqual(THREE);
  });

  test("a key that Pub/Sub refuses for good waits, the others go on", async () => {
    const seen = await subscribe(bed);
    bed.fault = async ({ messages }, accept) => {
      if (messages.some(({ orderingKey }) => orderingKey === "bad"))
        throw new GrpcError(status.INVALID_ARGUMENT, "too large");
      return accept();
    };
    await bed.outbox.append({ key: "bad", block: 1 }, { key: "a", block: 1, index: 1 });
    bed.startRelay();
    await waitUntil("the good one came", () => seen.length === 1);
    const blocked = await waitUntil("the key is blocked", async () => {
      const { rows } = await bed.pool.query(
        "select ordering_key, blocked_reason from relay.ordering_key where blocked_reason is not null",
      );
      return rows[0];
    });
    expect(blocked).toMatchObject({ ordering_key: "bad" });
    expect(blocked.blocked_reason).toContain("too large");
  });

  test("waits while permission is missing and goes on when it is back, losing nothing", async () => {
    const seen = await subscribe(bed);
    let denied = 0;
    bed.fault = async ({ messages }, accept) => {
      const isEvent = messages.some(({ attributes }) => attributes.has("event_id"));
      if (isEvent && denied++ < 3) throw new GrpcError(status.PERMISSION_DENIED, "not allowed");
      return accept();
    };
    await bed.outbox.append({ key: "a", block: 1 }, { key: "a", block: 2 }, { key: "a", block: 3 });
    bed.startRelay();
    await waitUntil("all three came", () => seen.length >= 3);
    expect(seen).toEqual(THREE);
  });

  test("two relays side by side publish everything once [G-4]", async () => {
    const seen = await subscribe(bed);
    bed.startRelay();
    bed.startRelay();
    for (let block = 1; block <= 40; block++)
      await bed.outbox.append(
        ...Array.from({ length: 5 }, (_, key) => ({ key: `k${key}`, block, index: key })),
      );
    await waitUntil("all of it came", () => seen.length >= 200);
    await published(bed, 200);
    expect(new Set(seen).size).toBe(200);
    expect(seen).toHaveLength(200);
    for (let key = 0; key < 5; key++) {
      const own = seen.filter((one) => one.startsWith(`k${key}#`));
      expect(own.map((one) => Number(one.split(/[# ]/)[1]))).toEqual(own.map((_, at) => at + 1));
    }
  });

  test("a stopped relay leaves nothing in doubt and another goes on where it was", async () => {
    const seen = await subscribe(bed);
    const stop = bed.startRelay();
    await bed.outbox.append({ key: "a", block: 1 });
    await waitUntil("the first came", () => seen.length === 1);
    await stop();
    const { rows } = await bed.pool.query("select count(owner)::int as n from relay.lease");
    expect(rows[0].n).toBe(0);
    await bed.outbox.append({ key: "a", block: 2 }, { key: "a", block: 3 });
    bed.startRelay();
    await waitUntil("all three came", () => seen.length === 3);
    expect(seen).toEqual(THREE);
  });

  test("halts a publication whose journal and outbox disagree, and says why [G-2]", async () => {
    await subscribe(bed);
    bed.startRelay();
    await bed.outbox.append({ key: "a", block: 1 });
    await published(bed, 1);
    await bed.outbox.rollBackTo(0);
    await bed.outbox.append({ key: "a", block: 1, body: "{}" });
    await bed.outbox.deploy("build-2");
    const reason = await waitUntil("the publication is halted", async () => {
      const { rows } = await bed.pool.query("select halted_reason from relay.publication");
      return rows[0].halted_reason ?? undefined;
    });
    expect(reason).toContain("e-1-0");
  });

  test("refuses to change what a publication promised when it was created", async () => {
    await subscribe(bed);
    const stop = bed.startRelay();
    await waitUntil("it is registered", async () => {
      const { rows } = await bed.pool
        .query("select from relay.publication")
        .catch(() => ({ rows: [] }));
      return rows.length === 1;
    });
    await stop();
    const config = bed.config({ PUBLICATIONS: "topic-a=finalized" });
    await expect(
      runRelay({
        config,
        source: ponderOutbox(),
        log: silent,
        signal: new AbortController().signal,
      }),
    ).rejects.toThrow(/exists with finality latest/);
  });
});

test("the journal's tables hold what the progress of a key promises", async () => {
  const stop = bed.startRelay();
  await waitUntil("the publication is registered", async () => {
    const { rows } = await bed.pool.query("select from relay.publication");
    return rows.length === 1;
  });
  await stop();
  const broken = bed.pool.query(`
    insert into relay.ordering_key
      (publication_id, ordering_key, partition, last_sequence, published_sequence)
    values (1, 'k', 0, 1, 2)`);
  await expect(broken).rejects.toThrow(/check/);
});
