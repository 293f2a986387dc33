import type { Message, PubSub } from "@google-cloud/pubsub";
import type { Pool, PoolClient } from "pg";
import type { Effect } from "./apply-batch.ts";
import { type ApplyWorkOptions, applyWork } from "./apply-work.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import { type ConsumerStats, emptyStats } from "./consumer-stats.ts";
import { readConsumerStatus } from "./consumer-status.ts";
import { publishDeadLetter } from "./dead-letter-topic.ts";
import {
  checkExpected,
  type ExpectedPublication,
  UnexpectedMessage,
} from "./expected-publication.ts";
import { FeedFollower } from "./follow-feed.ts";
import { KeyLanes } from "./key-lanes.ts";
import { type Log, SILENT } from "./log.ts";
import { openMessageStream } from "./message-stream.ts";
import type { PubsubMessage } from "./pubsub-message.ts";
import { readEnvelope } from "./read-envelope.ts";
import type { FeedOptions } from "./read-feed.ts";
import { handBack, keepMalformed, keepWithoutKey } from "./without-key.ts";

export type RunConsumerOptions = ConsumerOptions & {
  /** What the subscription is of. What says otherwise is a dead letter of no key. */
  publication: ExpectedPublication;
  pubsub: PubSub;
  /** Subscription id, or full name. Have message ordering enabled on it: it works without, slower. */
  subscription: string;
  pool: Pool;
  /** Runs inside the transaction that moves the mark. Write through its `tx` and nowhere else. */
  effect: Effect<PoolClient>;
  /** Ends the consumer in good order. */
  signal: AbortSignal;
  /** What may be in memory at a time; 1,000 messages and 32 MB by default. */
  flowControl?: { maxMessages?: number; maxBytes?: number };
  /** 10 to 600, 60 by default; extended as long as a message is being worked on. */
  ackDeadlineSeconds?: number;
  /** Keys worked on at a time, each with a connection of the pool; 4 by default. */
  concurrency?: number;
  /** Messages of one key in one transaction, at the most; 100 by default. */
  batchSize?: number;
  /** Failures of one message until it is a dead letter; 10 by default. */
  maxAttempts?: number;
  /** Pause after the first failure of a message, doubled each time: 500 ms to 60 s by default. */
  backoff?: { firstMs: number; maxMs: number };
  /** Topic id, or full name; without it dead letters are only in table `dead_letter`. */
  deadLetterTopic?: string;
  /** See `DeadLetter.policy`; `block` by default. */
  onDeadLetter?: "block" | "skip";
  /**
   * How long an early message waits in memory before it is handed back; 1 s by default, and twice as
   * long each time that its key comes again without its next message, up to 30 s.
   */
  earlyHoldMs?: number;
  /**
   * Where to read what was published before the subscription was made, as a consumer that starts
   * late has to: from the feed of the publication, which is read to its end before the subscription
   * is opened, and again when a key waits for a message that does not come. Make the subscription
   * first.
   */
  feed?: FeedOptions;
  /** How often to look for parked messages whose turn has come otherwise; 5 s by default. */
  sweepIntervalMs?: number;
  /** How long the end may take; 30 s by default. */
  shutdownTimeoutMs?: number;
  /** Milliseconds since 1970. */
  clock?: () => number;
  log?: Log;
};

export type RunningConsumer = {
  stats(): ConsumerStats;
  /**
   * Resolves after `signal`, when everything begun is committed or rolled back, and answered.
   * Rejects with `FeedRefused` when the feed has to be read and is refused.
   */
  readonly done: Promise<void>;
};

const MAX_EARLY_HOLD_MS = 30_000;
/** A predecessor that comes late is usual; one that is missing so often is not. */
const WAITING_AFTER_TIMES = 3;
const SAY_AGAIN_MS = 60_000;

/**
 * Applies every message of a subscription exactly once, until `signal`. Call `migrate` before. Any
 * number of processes may run the same consumer.
 */
export function runConsumer(options: RunConsumerOptions): RunningConsumer {
  const { pool, pubsub, subscription, deadLetterTopic, signal, log = SILENT } = options;
  const { publication } = options;
  checkExpected(publication);
  if (options.feed !== undefined && options.feed.publication !== publication.topic)
    throw new TypeError(
      `The feed is of ${options.feed.publication}, and the messages are expected of ${publication.topic}.`,
    );
  const stats = emptyStats();
  const work: ApplyWorkOptions = {
    consumer: options,
    pool,
    effect: options.effect,
    maxAttempts: options.maxAttempts ?? 10,
    onDeadLetter: options.onDeadLetter ?? "block",
    backoff: options.backoff ?? { firstMs: 500, maxMs: 60_000 },
    publishDeadLetter: async (message, reason, attempts) => {
      if (deadLetterTopic === undefined) return;
      const note = { reason, attempts, subscription };
      await publishDeadLetter(pubsub, deadLetterTopic, message, note);
    },
    stats,
    clock: options.clock ?? Date.now,
    log,
  };
  const { concurrency = 4, batchSize = 100, earlyHoldMs = 1_000, feed } = options;
  const flowControl = { maxMessages: 1_000, maxBytes: 32 * 1024 * 1024, ...options.flowControl };
  const lanes = new KeyLanes({
    process: (piece) => applyWork(piece, work),
    ...{ concurrency, batchSize, earlyHoldMs },
    maxEarlyHoldMs: Math.max(MAX_EARLY_HOLD_MS, earlyHoldMs),
    roomFor: flowControl.maxMessages / 2,
    onGap: () => follower?.onGap(),
  });
  const onMalformed = (message: PubsubMessage, reason: string) =>
    keepMalformed(message, reason, work);
  const follower =
    feed === undefined
      ? null
      : new FeedFollower(
          { feed, publication, work, concurrency, batchSize, onMalformed, signal },
          () => lanes.lookAgain(),
        );
  const withoutKey = new Set<Promise<void>>();

  let isOneExpected = false;
  const onMessage = (message: Message) => {
    try {
      const envelope = readEnvelope(message, publication);
      if (envelope === null) {
        stats.barriers += 1;
        message.ack();
        return;
      }
      isOneExpected = true;
      const { ack, nack } = answersOf(message);
      lanes.add({ envelope, ack, nack });
    } catch (error) {
      // As long as none is as expected, the mistake may be here: then all of them are needed again.
      const isMistaken = error instanceof UnexpectedMessage && !isOneExpected;
      const kept = (
        isMistaken
          ? handBack(message, error, work, signal)
          : keepWithoutKey(message, String(error), work)
      ).finally(() => withoutKey.delete(kept));
      withoutKey.add(kept);
    }
  };

  const open = () =>
    openMessageStream({
      pubsub,
      subscription,
      flowControl,
      ackDeadlineSeconds: options.ackDeadlineSeconds ?? 60,
      reopenAfterMs: work.backoff.firstMs,
      closeTimeoutMs: options.shutdownTimeoutMs ?? 30_000,
      onMessage,
      onReopen: () => {
        stats.reconnects += 1;
      },
      log,
    });
  let close = async (): Promise<void> => undefined;
  const opening = (async () => {
    await follower?.begin();
    if (!signal.aborted) close = open();
  })();
  const sweeper = startSweep(options, lanes, stats, log);

  const end = async () => {
    await opening.catch(() => undefined);
    await sweeper.stop();
    // All at once: no more messages come in, and the answers to those that did still go out.
    await Promise.all([close(), lanes.stop(), follower?.stop(), ...withoutKey]);
  };
  const done = new Promise<void>((resolve, reject) => {
    const onAbort = () => end().then(resolve, reject);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    opening.catch((error: unknown) => {
      if (!signal.aborted) end().then(() => reject(error), reject);
    });
  });
  return { stats: () => ({ ...stats, inFlight: lanes.size + withoutKey.size }), done };
}

/** A lease can run out during a transaction; the late answer then changes nothing. */
function answersOf(message: Message) {
  return { ack: () => message.ack(), nack: () => message.nack() };
}

/** Finds parked messages that nothing else would wake: after a retry, and after a crash. */
function startSweep(
  options: RunConsumerOptions,
  lanes: KeyLanes,
  stats: ConsumerStats,
  log: Log,
): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let saidAtMs = Number.NEGATIVE_INFINITY;
  const sayWhoWaits = () => {
    const waiting = lanes.waiting(WAITING_AFTER_TIMES);
    stats.waitingKeys = waiting.length;
    const [example] = waiting;
    if (example === undefined || Date.now() - saidAtMs < SAY_AGAIN_MS) return;
    saidAtMs = Date.now();
    log.warn(
      { event: "messages.early", keys: waiting.length, example },
      "keys wait for messages before those that come, which the subscription may never have had: read the feed (option feed), or begin where they are (startAt)",
    );
  };
  const sweep = async () => {
    sayWhoWaits();
    try {
      const { parked, blockedKeys, drainable } = await readConsumerStatus(options.pool, options);
      stats.parked = parked;
      stats.blockedKeys = blockedKeys;
      for (const key of drainable) lanes.addParked(key);
    } catch (error) {
      log.warn(
        { event: "parked.unreadable", err: error },
        "parked messages could not be looked up",
      );
    }
    if (!isStopped)
      timer = setTimeout(() => {
        running = sweep();
      }, options.sweepIntervalMs ?? 5_000);
  };
  let running = sweep();
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
