import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { BlockEvidence, RelayParts } from "@escrow-stream/relay";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { Receipts } from "../../packages/relay/doubt/receipts.ts";
import { backUpJournal, restoreJournal } from "../support/journal-backup.ts";
import { RelayBed } from "../support/relay-bed.ts";
import {
  event,
  expectEachOnce,
  publishBeyondTheBackup,
  published,
  subscribe,
} from "../support/restore-story.ts";
import { StandInOutbox } from "../support/stand-in-outbox.ts";
import { findSystemPostgres, startSystemPostgres } from "../support/system-postgres.ts";
import { waitUntil } from "../support/wait-until.ts";

const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());
beforeEach(() => bed.renew());

describe("a journal that is restored from an older backup", () => {
  test("learns from its receipts what was published since, and goes on behind it [G-12]", async () => {
    const { seen, stop } = await publishBeyondTheBackup(bed);
    await stop();
    await restoreJournal(bed.pool);
    await bed.outbox.append(event("a", 4), event("d", 4, 1));
    bed.startRelay();
    await published(bed, 8);
    await waitUntil("the new ones came", () => seen.length >= 8);
    expectEachOnce(seen, 8);
    expect(seen.filter((one) => one.startsWith("a"))).toEqual([
      "a#1 e-1-0",
      "a#2 e-2-0",
      "a#3 e-3-0",
      "a#4 e-4-0",
    ]);
    const { rows } = await bed.pool.query("select from relay.message where not has_position");
    expect(rows).toEqual([]);
  });

  test("may be restored under relays that run on", async () => {
    const { seen } = await publishBeyondTheBackup(bed);
    bed.startRelay();
    await restoreJournal(bed.pool);
    await bed.outbox.append(event("a", 4), event("d", 4, 1));
    await published(bed, 8);
    await waitUntil("the new ones came", () => seen.length >= 8);
    expectEachOnce(seen, 8);
  });

  test("is brought up to date by one of two relays that start at once", async () => {
    const { seen, stop } = await publishBeyondTheBackup(bed);
    await stop();
    await restoreJournal(bed.pool);
    bed.startRelay();
    bed.startRelay();
    await bed.outbox.append(event("a", 4), event("d", 4, 1));
    await published(bed, 8);
    await waitUntil("the new ones came", () => seen.length >= 8);
    expectEachOnce(seen, 8);
  });

  test("is brought up to date by the next relay when one ends in the middle of it", async () => {
    const { seen, stop } = await publishBeyondTheBackup(bed);
    await stop();
    await restoreJournal(bed.pool);
    let adopted = 0;
    const dieBeforeAcknowledging = ({ receipts }: RelayParts): void => {
      receipts.acknowledge = async () => {
        adopted += 1;
        throw new Error("injected: ends here");
      };
    };
    const half = bed.startRelay({}, undefined, dieBeforeAcknowledging);
    await waitUntil("something was adopted", () => adopted > 0);
    await half();
    await bed.outbox.append(event("a", 4), event("d", 4, 1));
    bed.startRelay();
    await published(bed, 8);
    await waitUntil("the new ones came", () => seen.length >= 8);
    expectEachOnce(seen, 8);
  });

  test("learns of retractions and of events that came back, too", async () => {
    const seen = await subscribe(bed);
    const replaced = new Set<string>();
    const chain: BlockEvidence = {
      isReplaced: async (_, __, hash) => replaced.has(hash),
      isCanonical: async (_, __, hash) => !replaced.has(hash),
    };
    const stop = bed.startRelay({}, chain);
    await bed.outbox.append(event("a", 1));
    await bed.outbox.moveTo({ latest: 1, finalized: 0 });
    await published(bed, 1);
    await backUpJournal(bed.pool);
    await bed.outbox.append(event("a", 2));
    await published(bed, 2);
    replaced.add("0x2");
    await bed.outbox.rollBackTo(1);
    await bed.outbox.append(event("a", 2, 1, "n-2"));
    await published(bed, 4);
    replaced.delete("0x2");
    await bed.outbox.rollBackTo(1);
    await bed.outbox.append(event("a", 2));
    replaced.add("0x2");
    await waitUntil("the other one is retracted", () =>
      seen.some((one) => one.includes("retraction-1-n-2")),
    );
    replaced.clear();
    await waitUntil("it is told again", () => seen.some((one) => one.endsWith("e-2-0#2")));
    await stop();
    const told = [...seen];
    await restoreJournal(bed.pool);
    await bed.outbox.append(event("a", 3));
    bed.startRelay({}, chain);
    await waitUntil("the new one came", () => seen.some((one) => one.endsWith(" e-3-0")));
    await published(bed, told.length + 1);
    expect(seen.slice(0, told.length)).toEqual(told);
    expectEachOnce(seen, told.length + 1);
  });

  test("keeps a key waiting until a database that is older as well has its events again", async () => {
    const seen = await subscribe(bed);
    const stop = bed.startRelay();
    await bed.outbox.append(event("a", 1));
    await published(bed, 1);
    await stop();
    const older = await bed.world.copy(bed.url);
    const again = bed.startRelay();
    await bed.outbox.append(event("a", 2), event("b", 2, 1));
    await published(bed, 3);
    await again();
    bed.moveTo(older);
    bed.startRelay();
    // Of key a something is missing in the outbox still; c has nothing to wait for.
    await bed.outbox.append(event("c", 4, 2), event("a", 4));
    await waitUntil("the other key went on", () => seen.includes("c#1 e-4-2"));
    expect(seen.filter((one) => one.startsWith("a"))).toEqual(["a#1 e-1-0", "a#2 e-2-0"]);
    await bed.outbox.append(event("a", 2), event("b", 2, 1));
    await waitUntil("it goes on", () => seen.includes("a#3 e-4-0"));
    expectEachOnce(seen, 5);
  });

  test("is found out, too, when the files of the whole cluster were put back [G-12]", async () => {
    const seen = await subscribe(bed);
    const stop = bed.startRelay();
    await bed.outbox.append(event("a", 1));
    await published(bed, 1);
    await stop();
    await bed.world.keepFiles();
    const again = bed.startRelay();
    await bed.outbox.append(event("a", 2), event("b", 2, 1));
    await published(bed, 3);
    await again();
    // As it is some seconds later: nothing comes by itself any more.
    const receipts = new Receipts(bed.config().pubsub, 3_600_000);
    await receipts.purge("topic-a", Date.now() + 60_000);
    await receipts.close();
    await bed.world.putFilesBack();
    await bed.outbox.append(event("a", 2), event("b", 2, 1), event("a", 3));
    bed.startRelay();
    await waitUntil("the new one came", () => seen.includes("a#3 e-3-0"));
    await published(bed, 4);
    expectEachOnce(seen, 4);
  });

  test("may be empty, while the receipts reach back to the topic's beginning", async () => {
    const { seen, stop } = await publishBeyondTheBackup(bed);
    await stop();
    const { rows } = await bed.pool.query("select * from escrow.outbox order by position");
    expect(rows).toHaveLength(6);
    await bed.pool.query("drop schema relay cascade");
    await bed.outbox.append(event("a", 4));
    bed.startRelay();
    await waitUntil("the new one came", () => seen.includes("a#4 e-4-0"));
    await published(bed, 7);
    expectEachOnce(seen, 7);
  });
});

const systemPostgres = findSystemPostgres();
if (systemPostgres === undefined)
  console.log("skipped: pg_dump and pg_restore, of which there is no installation with its server");

test.skipIf(systemPostgres === undefined)(
  "a journal that pg_dump wrote and pg_restore loaded is brought up to date",
  async () => {
    const bin = systemPostgres ?? "";
    const postgres = await startSystemPostgres(bin);
    const pool = new pg.Pool({ connectionString: postgres.url });
    pool.on("error", () => undefined);
    onTestFinished(async () => {
      await pool.end();
      await postgres.stop();
    });
    await StandInOutbox.create(pool);
    bed.moveTo({ url: postgres.url, pool });
    const dump = join(mkdtempSync(join(tmpdir(), "escrow-stream-dump-")), "relay.dump");
    onTestFinished(() => rmSync(dirname(dump), { recursive: true }));
    const { seen, stop } = await publishBeyondTheBackup(bed, undefined, async () => {
      execFileSync(join(bin, "pg_dump"), ["-n", "relay", "-F", "custom", "-f", dump, postgres.url]);
    });
    await stop();
    await pool.query("drop schema relay cascade");
    execFileSync(join(bin, "pg_restore"), ["-d", postgres.url, dump]);
    await bed.outbox.append(event("a", 4), event("d", 4, 1));
    const last = bed.startRelay();
    await published(bed, 8);
    await waitUntil("the new ones came", () => seen.length >= 8);
    expectEachOnce(seen, 8);
    await last();
  },
);
