import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Barriers, CLOCK_KEY } from "../doubt/barriers.ts";
import { doubtAll, recordReceipts } from "../doubt/doubt.ts";
import { readKeysToAsk } from "../doubt/keys-to-ask.ts";
import { JournalOutdated, pullReceipts, readReceipts } from "../doubt/read-receipts.ts";
import { type Receipt, type Receipts, receiptsIdOf } from "../doubt/receipts.ts";
import { PURGE_MARGIN_MS } from "../doubt/receipts-purge.ts";
import { isLeader } from "../leases/fence.ts";
import type { Lease } from "../leases/lease-keeper.ts";
import type { OutboxSource } from "../source/outbox-source.ts";
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
  db: Kysely<unknown>;
  source: OutboxSource;
  publication: Publication;
  receipts: Receipts;
  /** Makes sure of the topic and of its receipts. */
  ensureTopic: () => Promise<unknown>;
  barriers: Barriers;
  instance: string;
  log: Logger;
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
  readonly #options: JournalCheckOptions;
  #isOutdated = false;
  /** Since when nothing was claimed any more, and since when the receipts come again. */
  #closedAtMs: number | null = null;
  #askedAtMs: number | null = null;

  constructor(options: JournalCheckOptions) {
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
    const state = await readJournalState(this.#options.db, this.#options.publication);
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
    await this.#options.ensureTopic();
    const isLikelyKnown = state.isSameDatabase || state.isNew;
    if (isLikelyKnown && !this.#isOutdated) return await this.#compareShortly(leader, state);
    return await this.#readBack(leader, state);
  }

  /** Whether the receipts show nothing that the journal lacks. */
  async #compareShortly(leader: Lease, state: JournalState): Promise<boolean> {
    const { db, publication, receipts, barriers, instance, isReader } = this.#options;
    const read = (waitMs?: number) => readReceipts(db, publication, receipts, isReader, waitMs);
    if (!state.isNew || !receipts.hasMade(publication.topic)) {
      const isWatermarkSeen = await this.#readFromWatermark(state, read);
      // Seeking back takes a while on the real service: till then nothing comes again.
      if (!isWatermarkSeen && !this.#isQuiet()) return false;
    }
    if (state.isNew) {
      await barriers.publish(CLOCK_KEY, FIRST_WATERMARK);
      const watermark = { barrier: FIRST_WATERMARK, atMs: 0 };
      await recordWatermark(db, publication, instance, leader, watermark);
    }
    return await this.#open(leader);
  }

  async #readBack(leader: Lease, state: JournalState): Promise<boolean> {
    const { db, source, publication, receipts, barriers, instance, log, isReader } = this.#options;
    const { topic } = publication;
    const closedForMs = performance.now() - (this.#closedAtMs ?? performance.now());
    if (closedForMs < this.#options.requestLifeMs) return false;
    if (this.#askedAtMs === null)
      log.warn(
        { event: "journal.outdated" },
        "the journal may be older than the topic: reading back what the topic holds",
      );
    let adopted = 0;
    let newAtMs = performance.now();
    const read = async (waitMs?: number): Promise<Receipt[]> => {
      const pulled = await pullReceipts(receipts, topic, isReader, waitMs);
      const count = await this.#adopt(leader, pulled);
      if (count > 0) newAtMs = performance.now();
      adopted += count;
      await receipts.acknowledge(topic, pulled);
      return pulled;
    };
    const isWatermarkSeen = await this.#readFromWatermark(state, read);
    if (!isWatermarkSeen) {
      if (this.#isQuiet()) await this.#halt(this.#beyondReach(state));
      return false;
    }
    while (performance.now() - newAtMs < this.#options.receiptsDelayMs) await read(WAIT_MS);
    for await (const keys of readKeysToAsk(db, source, publication, KEYS_AT_ONCE))
      await barriers.readUntil(
        await barriers.publishAll(keys.map((orderingKey) => ({ orderingKey }))),
        read,
        async () => undefined,
      );
    await doubtAll(db, publication, isLeader(instance, leader));
    await this.#open(leader);
    log.warn(
      { event: "journal.adopted", adopted },
      "the journal has everything that the topic holds; going on",
    );
    return true;
  }

  /** Reads from before the watermark on to a barrier of its own, and what may come late then. */
  async #readFromWatermark(
    { watermark, watermarkAtMs }: JournalState,
    read: (waitMs?: number) => Promise<Receipt[]>,
  ): Promise<boolean> {
    const { publication, receipts, barriers } = this.#options;
    await receipts.readAgain(publication.topic, watermarkAtMs - PURGE_MARGIN_MS);
    this.#askedAtMs ??= performance.now();
    let isWatermarkSeen = false;
    let atMs = 0;
    const note = async (waitMs?: number): Promise<Receipt[]> => {
      const came = await read(waitMs);
      isWatermarkSeen ||= came.some(({ barrier }) => barrier === (watermark ?? FIRST_WATERMARK));
      return came;
    };
    const barrier = await barriers.publish(CLOCK_KEY);
    await barriers.readUntil(new Map([[barrier, barrier]]), note, async (_, came) => {
      atMs = came.find((each) => each.barrier === barrier)?.publishedAtMs ?? 0;
    });
    while ((await note(WAIT_MS)).some(({ publishedAtMs }) => publishedAtMs < atMs));
    return isWatermarkSeen;
  }

  async #adopt(leader: Lease, receipts: Receipt[]): Promise<number> {
    const { db, source, publication, instance } = this.#options;
    const messages = receipts.flatMap(
      (receipt) => toTopicMessage(receipt, publication.topic, source) ?? [],
    );
    const adopted = await adopt(db, publication, messages, isLeader(instance, leader));
    if (messages.length > 0) await recordReceipts(db, publication, messages);
    return adopted;
  }

  async #open(leader: Lease): Promise<boolean> {
    const { db, publication, instance } = this.#options;
    if (await openJournal(db, publication, instance, leader)) {
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
    const subscription = receiptsIdOf(this.#options.publication.topic);
    return `the receipts (${subscription}) do not reach back to ${since}: they were kept for less, or made again.`;
  }

  async #halt(why: string): Promise<void> {
    const { db, publication, log } = this.#options;
    const { topic } = publication;
    const reason =
      `The journal of ${topic} may be older than the topic, and nothing may be published twice: ${why} ` +
      "Restore a newer backup of schema relay; or, with a subscription that holds what was published since, run `npm run adopt:topic -- --topic " +
      `${topic} --subscription <id>\`. See docs/how-to/back-up-and-restore.md.`;
    log.error({ event: "publication.halted" }, reason);
    await haltPublication(db, publication, reason);
    this.forget();
  }
}
