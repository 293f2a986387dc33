import type { Kysely } from "kysely";
import { recordWatermark } from "../journal/journal-state.ts";
import type { Publication } from "../journal/publication.ts";
import type { Lease } from "../leases/lease-keeper.ts";
import { type Barriers, CLOCK_KEY } from "./barriers.ts";
import { readOldestInDoubt } from "./doubt.ts";
import type { Receipt, Receipts } from "./receipts.ts";

const PURGE_EVERY_MS = 5_000;
/** Covers what the measurement of Pub/Sub's clock leaves open. */
export const PURGE_MARGIN_MS = 10_000;
/** A quiet topic gets a watermark as often, so that its newest never survives the receipts' retention. */
const WATERMARK_EVERY_MS = 600_000;

export type ReceiptsPurgeOptions = {
  db: Kysely<unknown>;
  publication: Publication;
  receipts: Receipts;
  barriers: Barriers;
  instance: string;
};

/**
 * Forgets receipts that nobody needs, by Pub/Sub's own clock, while nothing is in doubt; and moves
 * the journal's watermark behind them:
 *
 *   published ──everything accepted before it is marked as published──► in the journal
 *
 * A journal that is restored from a backup knows by its watermark from where on it has to read again.
 */
export class ReceiptsPurge {
  readonly #options: ReceiptsPurgeOptions;
  #clock: { skewMs: number; databaseMs: number; monotonicMs: number } | null = null;
  #purgedUntilMs = 0;
  #purgedAtMs = 0;
  /** Published, and not in the journal yet. Times are by Pub/Sub's clock, before and after. */
  #watermark: { barrier: string; atMs: number; untilMs: number } | null = null;
  #watermarkAtMs = Number.NEGATIVE_INFINITY;
  #isActive = true;

  constructor(options: ReceiptsPurgeOptions) {
    this.#options = options;
  }

  get isMeasured(): boolean {
    return this.#clock !== null;
  }

  /** Says that something was captured: there will be something to mark as published. */
  noteCapture(): void {
    this.#isActive = true;
  }

  /** What was measured may not be trusted any more. */
  unmeasure(): void {
    this.#clock = null;
  }

  /** Without the leadership nothing that was measured or published may be trusted later. */
  forget(): void {
    this.#clock = null;
    this.#watermark = null;
    this.#purgedUntilMs = 0;
    this.#isActive = true;
  }

  /**
   * Learns how far Pub/Sub's clock is from PostgreSQL's, which requests are dated by. The barrier may
   * have been accepted at any time while it was published, so it is believed to have been at the end:
   * too much would purge receipts that are needed, too little only keeps some for longer.
   */
  async measure(read: () => Promise<Receipt[]>): Promise<void> {
    const { db, publication, barriers } = this.#options;
    // What was dated by another measurement is not compared with this one.
    if (this.#watermark !== null) this.#isActive = true;
    this.#watermark = null;
    const startedMs = performance.now();
    const { nowMs } = await readOldestInDoubt(db, publication);
    const monotonicMs = performance.now();
    const barrier = await barriers.publish(CLOCK_KEY);
    const tookMs = performance.now() - startedMs;
    await barriers.readUntil(new Map([[barrier, barrier]]), read, async (_, receipts) => {
      const at = receipts.find((each) => each.barrier === barrier)?.publishedAtMs ?? nowMs;
      this.#clock = { skewMs: at - nowMs - tookMs, databaseMs: nowMs, monotonicMs };
    });
  }

  /**
   * Forgets the receipts of messages that were published before anything still in doubt was sent.
   * A clock that jumped since it was measured is measured again first.
   */
  async purge(leader: Lease): Promise<void> {
    if (this.#clock === null || performance.now() - this.#purgedAtMs < PURGE_EVERY_MS) return;
    const { db, publication, receipts } = this.#options;
    const startedMs = performance.now();
    const { nowMs, sentAtMs, hasBacklog } = await readOldestInDoubt(db, publication);
    const { skewMs, databaseMs, monotonicMs } = this.#clock;
    const jumpMs = nowMs - databaseMs - (performance.now() - monotonicMs);
    if (Math.abs(jumpMs) > PURGE_MARGIN_MS / 2) {
      this.#clock = null;
      return;
    }
    const untilMs = Math.min(sentAtMs ?? nowMs, nowMs) + skewMs - PURGE_MARGIN_MS;
    this.#purgedAtMs = performance.now();
    this.#isActive ||= hasBacklog;
    await this.#moveWatermark(leader, startedMs, nowMs + skewMs, untilMs);
    if (untilMs <= this.#purgedUntilMs) return;
    await receipts.purge(publication.topic, untilMs);
    this.#purgedUntilMs = untilMs;
  }

  /**
   * @param startedMs when `nowMs` was asked for, by our clock
   * @param untilMs all that was accepted before is known to be, in the journal
   */
  async #moveWatermark(
    leader: Lease,
    startedMs: number,
    nowMs: number,
    untilMs: number,
  ): Promise<void> {
    const { db, publication, barriers, instance } = this.#options;
    if (this.#watermark !== null && this.#watermark.untilMs < untilMs) {
      await recordWatermark(db, publication, instance, leader, this.#watermark);
      this.#watermark = null;
    }
    const isDue = this.#isActive || nowMs - this.#watermarkAtMs > WATERMARK_EVERY_MS;
    if (this.#watermark !== null || !isDue) return;
    this.#isActive = false;
    const barrier = await barriers.publish(CLOCK_KEY);
    const tookMs = performance.now() - startedMs;
    this.#watermark = { barrier, atMs: nowMs, untilMs: nowMs + tookMs };
    this.#watermarkAtMs = nowMs;
  }
}
