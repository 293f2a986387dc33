import { Kysely, PostgresDialect } from "kysely";
import { expect, test, vi } from "vitest";
import type { Publication } from "../journal/publication.ts";
import type { Barriers } from "./barriers.ts";
import type { Receipt, Receipts } from "./receipts.ts";
import { ReceiptsPurge } from "./receipts-purge.ts";

const publication: Publication = { id: 1, topic: "t", finality: "latest", haltedReason: null };
const leader = { publicationId: 1, partition: -1, epoch: 1 };

test.each([0, 9_000, 15_000, 90_000])(
  "A clock that took %i ms to measure lets no receipt be purged that a doubt may need [G-4]",
  async (tookMs) => {
    // One clock for PostgreSQL, Pub/Sub and us: whatever is measured, it is the same.
    let nowMs = 1_800_000_000_000;
    let sentAtMs: number | null = null;
    const purged: number[] = [];
    const clock = vi.spyOn(performance, "now").mockImplementation(() => nowMs);
    const query = async () => ({
      command: "SELECT",
      rows: [{ now: nowMs, sent: sentAtMs, has_backlog: true }],
    });
    const pool = { connect: async () => ({ query, release() {} }), end: async () => {} };
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: pool as never }) });
    const barriers: Pick<Barriers, "publish" | "readUntil"> = {
      async publish() {
        nowMs += tookMs;
        return "barrier";
      },
      async readUntil(_waiting, _read, onReached) {
        await onReached([], [{ barrier: "barrier", publishedAtMs: nowMs } as Receipt]);
      },
    };
    const receipts: Pick<Receipts, "purge"> = {
      async purge(_topic, untilMs) {
        purged.push(untilMs);
      },
    };
    const purge = new ReceiptsPurge({
      ...{ db, publication, instance: "one" },
      barriers: barriers as Barriers,
      receipts: receipts as Receipts,
    });
    await purge.measure(async () => []);
    nowMs += 60_000;
    sentAtMs = nowMs - 1;
    await purge.purge(leader);
    clock.mockRestore();
    expect(purged).toHaveLength(1);
    expect(purged[0]).toBeLessThanOrEqual(sentAtMs);
  },
);
