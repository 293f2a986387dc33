import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { recordingLog } from "../support/recording-log.ts";
import { RelayBed } from "../support/relay-bed.ts";
import { event, published, subscribe } from "../support/restore-story.ts";
import { StandInOutbox } from "../support/stand-in-outbox.ts";
import { waitUntil } from "../support/wait-until.ts";

const WAITING = "waiting for the outbox in schema escrow";
const PUBLICATIONS = "topic-a=latest,topic-b=finalized";

const bed = new RelayBed();
beforeAll(() => bed.start());
afterAll(() => bed.stop());
beforeEach(() => bed.renew());

function dropViews(): Promise<unknown> {
  return bed.pool.query("drop schema escrow cascade");
}

test("a relay that is there before the indexer says what it waits for, once and without an error, and publishes when the views appear", async () => {
  const seen = await subscribe(bed);
  const { log, lines } = recordingLog();
  const waits = (): number => lines.filter(({ msg }) => msg === WAITING).length;
  await dropViews();
  bed.startRelay({ PUBLICATIONS }, undefined, undefined, log);
  await waitUntil("it waits, its journal compared", async () => {
    const { rows } = await bed.pool.query(
      "select bool_and(known_in is not null) from relay.publication",
    );
    return waits() > 0 && rows[0].bool_and;
  });
  const outbox = await StandInOutbox.create(bed.pool);
  await outbox.append(event("a", 1), event("b", 1, 1));
  await outbox.moveTo({ latest: 1, finalized: 1 });
  await published(bed, 4);
  expect(waits()).toBe(1);

  await dropViews();
  await waitUntil("it waits again", () => waits() === 2);
  const another = await StandInOutbox.create(bed.pool, "build-2");
  await another.append(event("a", 1), event("b", 1, 1), event("a", 2));
  await another.moveTo({ latest: 2, finalized: 2 });
  await published(bed, 6);
  await waitUntil("the subscriber has all", () => seen.length === 3);
  expect(waits()).toBe(2);
  expect(lines.filter(({ level }) => level > 30)).toEqual([]);
});

test("a table of the journal that is missing is an error and no reason to wait for the indexer", async () => {
  const { log, lines } = recordingLog();
  const errors = (): number => lines.filter(({ level }) => level === 50).length;
  bed.startRelay({}, undefined, undefined, log);
  await bed.outbox.append(event("a", 1));
  await published(bed, 1);
  await bed.pool.query("alter table relay.capture_cursor rename to gone");
  await waitUntil("that is an error", () => errors() > 0);
  expect(lines.some(({ msg }) => msg === WAITING)).toBe(false);
  await bed.pool.query("alter table relay.gone rename to capture_cursor");
  await bed.outbox.append(event("a", 2));
  await published(bed, 2);
});
