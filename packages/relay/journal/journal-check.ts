import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Barriers, CLOCK_KEY } from "../doubt/barriers.ts";
import { doubtAll, recordReceipts } from "../doubt/doubt.ts";
import { ensureReceipts } from "../doubt/ensure-receipts.ts";
import { readKeysToAsk } from "../doubt/keys-to-ask.ts";
import { JournalOutdated, pullReceipts, readReceipts } from "../doubt/read-receipts.ts";
import { type Receipt, type Receipts, receiptsIdOf } from "../doubt/receipts.ts";
import { PURGE_MARGIN_MS } from "../doubt/receipts-purge.ts";
import { isLeader } from "../leases/fence.ts";
import type { Lease } from "../leases/lease-keeper.ts";
import { AuthorityLost, adopt } from "./adopt.ts";
import {
  type JournalState,
  openJournal,
  readJournalState,
  recordWatermark,
} from "./journal-state.ts";
import { haltPublication, type Publication } from "./publication.ts";
import { TopicContradiction, toTopicMessage } from "./topic-message.ts";

/** The watermark at the beginning of every topic that the relay publishes to. */
const FIRST_WATERMARK = "first";
const WAIT_MS = 1_000;
const KEYS_AT_ONCE = 500;

export type JournalCheckOptions = {
  /** After this long nothing of a request can still be on its way to being accepted. */
  requestLifeMs: number;
  /** For so long receipts that are read again may come late. */
  receiptsDelayMs: number;
  /** False from when somebody else reads, or the relay stops. */
  isReader: () => boolean;
};

/**
 * Makes sure that the journal is as new as the topic, before anything is captured or published. A
 * publication, when its leader looks at it:
 *
 *   known in this database ──► open
 *   known in it before the server was started again, or not asked before, or new
 *       └── compared: receipts from the watermark on ── nothing unknown ──► open
 *                                               └── something ──► outdated
 *   known in another database, or in none ──► outdated
 *       └── no request under way any more ── receipts from the watermark on adopted, to a barrier on
 *           every key ──► open
 *           └── the watermark is not there, or the topic contradicts ──► halted
 *
 * A restored journal lacks what was published after its backup. The receipts have it, as long as
 * they are kept: from the journal's last watermark on, and the watermark itself shows that they reach back
 * far enough. Killed in between, it begins again; what was adopted already is adopted.
 */
export class JournalCheck {
  readonly #db: Kysely<unknown>;
  readonly #publication: Publication;
  readonly #receipts: Receipts;
  readonly #barriers: Barriers;
  readonly #instance: string;
  readonly #log: Logger;
  readonly #options: JournalCheckOptions;
  #isOutdated = false;
  /** Since when nothing was claimed any more, and since when the receipts come again. */
  #closedAtMs: number | null = null;
  #askedAtMs: number | null = null;

  constructor(
    db: Kysely<unknown>,
    publication: Publication,
    receipts: Receipts,
    barriers: Barriers,
    instance: string,
    log: Logger,
    options: JournalCheckOptions,
  ) {
    this.#db = db;
    this.#publication = publication;
    this.#receipts = receipts;
    this.#barriers = barriers;
    this.#instance = instance;
    this.#log = log;
    this.#options = options;
  }

  /** Without the leadership nothing that was seen may be trusted later. */
  forget(): void {
    this.#isOutdated = false;
    this.#closedAtMs = null;
    this.#askedAtMs = null;
  }

  /**
   * Looks, and does what can be done now.
   *
   * @returns whether the publication is open, and whether it was opened just now
   */
  async look(leader: Lease): Promise<"open" | "opened" | "closed"> {
    const state = await readJournalState(this.#db, this.#publication);
    if (state.isKnown) {
      this.forget();
      return "open";
    }
    if (state.isHalted) {
      this.forget();
      return "closed";
    }
    this.#closedAtMs ??= performance.now();
    try {
      return (await this.#compare(leader, state)) ? "opened" : "closed";
    } catch (error) {
      if (error instanceof JournalOutdated) {
        this.#isOutdated = true;
        return "closed";
      }
      if (!(error instanceof TopicContradiction)) throw error;
      await this.#halt(`${error.message}.`);
      return "closed";
    }
  }

  async #compare(leader: Lease, state: JournalState): Promise<boolean> {
    await ensureReceipts(this.#db, this.#publication, this.#receipts);
    const isLikelyKnown = state.isSameDatabase || state.isNew;
    if (isLikelyKnown && !this.#isOutdated) return await this.#compareShortly(leader, state);
    return await this.#readBack(leader, state);
  }

  /** Whether the receipts show nothing that the journal lacks. */
  async #compareShortly(leader: Lease, state: JournalState): Promise<boolean> {
    const { topic } = this.#publication;
    const read = (waitMs?: number) =>
      readReceipts(this.#db, this.#publication, this.#receipts, this.#options.isReader, waitMs);
    if (!state.isNew || !this.#receipts.hasMade(topic)) {
      const isWatermarkSeen = await this.#readFromWatermark(state, read);
      // Seeking back takes a while on the real service: till then nothing comes again.
      if (!isWatermarkSeen && !this.#isQuiet()) return false;
    }
    if (state.isNew) {
      await this.#barriers.publish(CLOCK_KEY, FIRST_WATERMARK);
      const watermark = { barrier: FIRST_WATERMARK, atMs: 0 };
      await recordWatermark(this.#db, this.#publication, this.#instance, leader, watermark);
    }
    return await this.#open(leader);
  }

  async #readBack(leader: Lease, state: JournalState): Promise<boolean> {
    const { topic } = this.#publication;
    const closedForMs = performance.now() - (this.#closedAtMs ?? performance.now());
    if (closedForMs < this.#options.requestLifeMs) return false;
    if (this.#askedAtMs === null)
      this.#log.warn("the journal may be older than the topic: reading back what the topic holds");
    let adopted = 0;
    let newAtMs = performance.now();
    const read = async (waitMs?: number): Promise<Receipt[]> => {
      const { isReader } = this.#options;
      const receipts = await pullReceipts(this.#receipts, topic, isReader, waitMs);
      const count = await this.#adopt(leader, receipts);
      if (count > 0) newAtMs = performance.now();
      adopted += count;
      await this.#receipts.acknowledge(topic, receipts);
      return receipts;
    };
    const isWatermarkSeen = await this.#readFromWatermark(state, read);
    if (!isWatermarkSeen) {
      if (this.#isQuiet()) await this.#halt(this.#beyondReach(state));
      return false;
    }
    while (performance.now() - newAtMs < this.#options.receiptsDelayMs) await read(WAIT_MS);
    for await (const keys of readKeysToAsk(this.#db, this.#publication, KEYS_AT_ONCE))
      await this.#barriers.readUntil(
        await this.#barriers.publishAll(keys.map((orderingKey) => ({ orderingKey }))),
        read,
        async () => undefined,
      );
    await doubtAll(this.#db, this.#publication, isLeader(this.#instance, leader));
    await this.#open(leader);
    this.#log.warn({ adopted }, "the journal has everything that the topic holds; going on");
    return true;
  }

  /** Reads from before the watermark on to a barrier of its own, and what may come late then. */
  async #readFromWatermark(
    { watermark, watermarkAtMs }: JournalState,
    read: (waitMs?: number) => Promise<Receipt[]>,
  ): Promise<boolean> {
    await this.#receipts.readAgain(this.#publication.topic, watermarkAtMs - PURGE_MARGIN_MS);
    this.#askedAtMs ??= performance.now();
    let isWatermarkSeen = false;
    let atMs = 0;
    const note = async (waitMs?: number): Promise<Receipt[]> => {
      const receipts = await read(waitMs);
      isWatermarkSeen ||= receipts.some(
        ({ barrier }) => barrier === (watermark ?? FIRST_WATERMARK),
      );
      return receipts;
    };
    const barrier = await this.#barriers.publish(CLOCK_KEY);
    await this.#barriers.readUntil(new Map([[barrier, barrier]]), note, async (_, receipts) => {
      atMs = receipts.find((each) => each.barrier === barrier)?.publishedAtMs ?? 0;
    });
    while ((await note(WAIT_MS)).some(({ publishedAtMs }) => publishedAtMs < atMs));
    return isWatermarkSeen;
  }

  async #adopt(leader: Lease, receipts: Receipt[]): Promise<number> {
    const { topic } = this.#publication;
    const messages = receipts.flatMap((receipt) => toTopicMessage(receipt, topic) ?? []);
    const mayWrite = isLeader(this.#instance, leader);
    const adopted = await adopt(this.#db, this.#publication, messages, mayWrite);
    if (messages.length > 0) await recordReceipts(this.#db, this.#publication, messages);
    return adopted;
  }

  async #open(leader: Lease): Promise<boolean> {
    if (await openJournal(this.#db, this.#publication, this.#instance, leader)) {
      this.forget();
      return true;
    }
    throw new AuthorityLost("the leadership was lost while the journal was compared");
  }

  #isQuiet(): boolean {
    return performance.now() - (this.#askedAtMs ?? 0) >= this.#options.receiptsDelayMs;
  }

  #beyondReach({ watermark, watermarkAtMs }: JournalState): string {
    const since = watermark === null ? "its beginning" : new Date(watermarkAtMs).toISOString();
    return `the receipts (${receiptsIdOf(this.#publication.topic)}) do not reach back to ${since}: they were kept for less, or made again.`;
  }

  async #halt(why: string): Promise<void> {
    const { topic } = this.#publication;
    const reason =
      `The journal of ${topic} may be older than the topic, and nothing may be published twice: ${why} ` +
      "Restore a newer backup of schema relay; or, with a subscription that holds what was published since, run `npm run adopt:topic -- --topic " +
      `${topic} --subscription <id>\`. See docs/how-to/back-up-and-restore.md.`;
    this.#log.error(reason);
    await haltPublication(this.#db, this.#publication, reason);
    this.forget();
  }
}
