import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { CAPTURED_CHANNEL } from "./capture/capture.ts";
import { CaptureLoop } from "./capture/capture-loop.ts";
import { FinalityGuard } from "./capture/finality-guard.ts";
import { listenForWakes } from "./capture/wake-listener.ts";
import type { RelayConfig } from "./config.ts";
import { DoubtResolver } from "./doubt/doubt-resolver.ts";
import { ensureReceipts } from "./doubt/ensure-receipts.ts";
import { HistoryLoop } from "./feed/history-loop.ts";
import type { Publication } from "./journal/publication.ts";
import { LeaseKeeper } from "./leases/lease-keeper.ts";
import { PublishLoop } from "./publish/publish-loop.ts";
import type { Transport } from "./publish/publish-loop-options.ts";
import type { RelayParts } from "./relay-parts.ts";
import { ReconcileLoop } from "./reorg/reconcile-loop.ts";
import type { RelayMetrics } from "./serve/metrics.ts";
import { OutboxPresence } from "./source/outbox-presence.ts";
import type { OutboxSource } from "./source/outbox-source.ts";
import { stoppableEvidence } from "./source/stoppable-evidence.ts";

const CAPTURE_BATCH = 5_000;
const BACKOFF = { firstMs: 100, maxMs: 30_000 };
const MAX_REQUESTS = 256;
const MAX_MESSAGES = 8_000;
const STALE_AFTER_MS = 60_000;
/** Longer than a connection and a statement without an answer are waited for. */
const HUNG_AFTER_MS = 180_000;

export type RelayLoopsOptions = {
  db: Kysely<unknown>;
  source: OutboxSource;
  publications: Publication[];
  parts: RelayParts;
  config: RelayConfig;
  log: Logger;
  metrics: RelayMetrics;
};

/** The loops of one publication. */
type OfPublication = {
  publish: PublishLoop;
  resolve: DoubtResolver;
  /** Null where rows are never withdrawn. */
  reconcile: ReconcileLoop | null;
  history: HistoryLoop;
};

/** The loops of a relay, which wake each other. */
export class RelayLoops {
  readonly leases: LeaseKeeper;
  readonly #options: RelayLoopsOptions;
  readonly #presence: OutboxPresence;
  readonly #guard: FinalityGuard;
  readonly #capture: CaptureLoop;
  readonly #of: Map<number, OfPublication>;
  readonly #stopped = new AbortController();

  constructor(given: RelayLoopsOptions) {
    const { signal } = this.#stopped;
    const { evidence } = given.source;
    const options = evidence
      ? { ...given, source: { ...given.source, evidence: stoppableEvidence(evidence, signal) } }
      : given;
    this.#options = options;
    const { db, source, publications, config, log, metrics } = options;
    this.leases = new LeaseKeeper({
      db,
      instance: `${hostname()}/${randomUUID()}`,
      publications,
      log,
      leaseMs: config.leaseMs,
      inFlight: (id, partition) => this.#of.get(id)?.publish.inFlight(partition) ?? 0,
      onChange: () => this.#wakeAll(),
    });
    this.#presence = new OutboxPresence({
      db,
      source,
      log,
      onThere: () => {
        this.#capture.wake();
        for (const { reconcile } of this.#of.values()) reconcile?.wake();
      },
      backoff: BACKOFF,
    });
    this.#guard = new FinalityGuard({
      ...{ db, source, log, signal },
      presence: this.#presence,
      onFirm: () => this.#capture.wake(),
      haltLooksApartMs: config.haltLooksApartMs,
    });
    this.#capture = new CaptureLoop({
      db,
      source,
      publications,
      leases: this.leases,
      guard: this.#guard,
      presence: this.#presence,
      onCaptured: ({ id }) => {
        this.#of.get(id)?.publish.wake();
        this.#of.get(id)?.resolve.noteCapture();
      },
      onUnconfirmed: ({ id }) => this.#of.get(id)?.reconcile?.wake(),
      log,
      metrics,
      batchSize: CAPTURE_BATCH,
      pollIntervalMs: config.pollIntervalMs,
      backoff: BACKOFF,
    });
    this.#of = new Map(publications.map((each) => [each.id, this.#loopsOf(each)]));
  }

  #loopsOf(publication: Publication): OfPublication {
    const { db, source, parts, config, log, metrics } = this.#options;
    const { topics, receipts } = parts;
    const { publishTimeoutMs, pollIntervalMs } = config;
    const { leases } = this;
    const shared = { db, publication, leases, log, metrics, backoff: BACKOFF };
    // The topic first: what it accepts before its receipts begin is read out of what it keeps.
    const ensureTopic = async () => {
      await topics.ensure(publication.topic, config.createTopics);
      return await ensureReceipts(db, publication, receipts);
    };
    const transport: Transport = {
      send: ({ orderingKey, messages }, timeoutMs) =>
        topics.publish(publication.topic, orderingKey, messages, timeoutMs),
      recheckTopic: ensureTopic,
    };
    const publish = new PublishLoop({
      ...shared,
      transport,
      onDoubt: () => resolve.wake(),
      maxRequests: MAX_REQUESTS,
      maxMessages: MAX_MESSAGES,
      publishTimeoutMs,
      pollIntervalMs,
    });
    const resolve = new DoubtResolver({
      ...shared,
      source,
      topics,
      receipts,
      ensureTopic,
      onResolved: () => publish.wake(),
      onOpened: () => {
        this.#capture.wake();
        publish.wake();
      },
      requestLifeMs: publishTimeoutMs + config.inDoubtMarginMs,
      publishTimeoutMs,
      receiptsDelayMs: config.receiptsDelayMs,
    });
    const onRetracted = (): void => {
      publish.wake();
      resolve.noteCapture();
      this.#capture.wake();
    };
    const { evidence } = source;
    const [guard, presence] = [this.#guard, this.#presence];
    const reconcile =
      evidence === null
        ? null
        : new ReconcileLoop({
            ...shared,
            ...{ source, evidence, guard, presence, onRetracted, pollIntervalMs },
          });
    const history = new HistoryLoop({ db, publication, leases, log, backoff: BACKOFF });
    return { publish, resolve, reconcile, history };
  }

  /** Runs until `signal`; then lets what is in flight finish and gives the leases back. */
  async run(signal: AbortSignal): Promise<void> {
    const { source, config, log } = this.#options;
    const { wakeChannel } = source;
    const stopListening = listenForWakes(
      config.databaseUrl,
      [CAPTURED_CHANNEL, ...(wakeChannel === null ? [] : [wakeChannel])],
      (channel) => (channel === CAPTURED_CHANNEL ? this.#wakePublishing() : this.#capture.wake()),
      log,
    );
    const of = [...this.#of.values()].flatMap((loops) => Object.values(loops));
    const work = [this.#presence, this.#capture, ...of.filter((loop) => loop !== null)];
    const keeping = this.leases.run();
    const working = Promise.all(work.map((loop) => loop.run()));
    const stop = (): void => {
      this.#stopped.abort();
      for (const loop of work) loop.stop();
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    await working;
    this.leases.stop();
    await keeping;
    await this.leases.giveBack();
    await stopListening();
  }

  /** Why nothing may be published at the moment; null when it may. */
  staleness(): string | null {
    if (this.leases.count === 0) return "no leases: the others have them, or the database is away";
    const readAt = this.#capture.lastReadAt;
    if (readAt === null) return "the outbox was not read yet";
    const ageMs = Date.now() - readAt.getTime();
    return ageMs > STALE_AFTER_MS
      ? `the outbox was last read ${Math.round(ageMs / 1000)} s ago`
      : null;
  }

  /** Why nothing here goes on by itself any more; null while it does, also without a database. */
  hangsBecause(): string | null {
    const { turnLastsMs } = this.leases;
    return turnLastsMs > HUNG_AFTER_MS
      ? `renewing the leases has taken ${Math.round(turnLastsMs / 1000)} s`
      : null;
  }

  #wakePublishing(): void {
    for (const { publish } of this.#of.values()) publish.wake();
  }

  #wakeAll(): void {
    this.#capture.wake();
    for (const loops of this.#of.values()) for (const loop of Object.values(loops)) loop?.wake();
  }
}
