import type { Message, PubSub } from "@google-cloud/pubsub";
import type { Pool, PoolClient } from "pg";
import type { Effect } from "./apply-batch.ts";
import { type ApplyWorkOptions, applyWork } from "./apply-work.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import { type ConsumerStats, emptyStats } from "./consumer-stats.ts";
import { readConsumerStatus } from "./consumer-status.ts";
import { deadLetterWithoutKey } from "./dead-letter.ts";
import { publishDeadLetter } from "./dead-letter-topic.ts";
import { inTransaction } from "./in-transaction.ts";
import { KeyLanes } from "./key-lanes.ts";
import { type Log, SILENT } from "./log.ts";
import { messageHash } from "./message-hash.ts";
import { openMessageStream } from "./message-stream.ts";
import { readEnvelope } from "./read-envelope.ts";

export type RunConsumerOptions = ConsumerOptions & {
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
  /** How long an early message waits in memory before it is handed back; 1 s by default. */
  earlyHoldMs?: number;
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
  /** Resolves after `signal`, when everything begun is committed or rolled back, and answered. */
  readonly done: Promise<void>;
};

/**
 * Applies every message of a subscription exactly once, until `signal`. Call `migrate` before. Any
 * number of processes may run the same consumer.
 */
export function runConsumer(options: RunConsumerOptions): RunningConsumer {
  const { pool, pubsub, subscription, deadLetterTopic, signal, log = SILENT } = options;
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
  const lanes = new KeyLanes({
    process: (piece) => applyWork(piece, work),
    concurrency: options.concurrency ?? 4,
    batchSize: options.batchSize ?? 100,
    earlyHoldMs: options.earlyHoldMs ?? 1_000,
  });
  const withoutKey = new Set<Promise<void>>();

  const onMessage = (message: Message) => {
    try {
      const envelope = readEnvelope(message);
      if (envelope === null) {
        stats.barriers += 1;
        message.ack();
        return;
      }
      const { ack, nack } = answersOf(message);
      lanes.add({ envelope, ack, nack });
    } catch (error) {
      const kept = keepWithoutKey(message, String(error), work).finally(() =>
        withoutKey.delete(kept),
      );
      withoutKey.add(kept);
    }
  };

  const close = openMessageStream({
    pubsub,
    subscription,
    flowControl: { maxMessages: 1_000, maxBytes: 32 * 1024 * 1024, ...options.flowControl },
    ackDeadlineSeconds: options.ackDeadlineSeconds ?? 60,
    reopenAfterMs: work.backoff.firstMs,
    closeTimeoutMs: options.shutdownTimeoutMs ?? 30_000,
    onMessage,
    onReopen: () => {
      stats.reconnects += 1;
    },
    log,
  });
  const sweeper = startSweep(options, lanes, stats, log);

  const end = async () => {
    await sweeper.stop();
    // Both at once: no more messages come in, and the answers to those that did still go out.
    await Promise.all([close(), lanes.stop(), ...withoutKey]);
  };
  const done = new Promise<void>((resolve, reject) => {
    const onAbort = () => end().then(resolve, reject);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  return { stats: () => ({ ...stats, inFlight: lanes.size + withoutKey.size }), done };
}

/** A lease can run out during a transaction; the late answer then changes nothing. */
function answersOf(message: Message) {
  return { ack: () => message.ack(), nack: () => message.nack() };
}

async function keepWithoutKey(
  message: Message,
  reason: string,
  { pool, consumer, publishDeadLetter, stats, log, backoff }: ApplyWorkOptions,
): Promise<void> {
  try {
    const isNew = await inTransaction(pool, (tx) =>
      deadLetterWithoutKey(
        tx,
        { source: message, hash: messageHash(message) },
        { reason, attempts: 1, publish: () => publishDeadLetter(message, reason, 1) },
        consumer,
      ),
    );
    message.ack();
    if (!isNew) return;
    stats.deadLetters += 1;
    log.error(
      { event: "message.dead-letter", reason, pubsubMessageId: message.id },
      "a message is a dead letter",
    );
  } catch (error) {
    log.error(
      { event: "dead-letter.failed", err: error, reason },
      "a dead letter could not be kept; trying again",
    );
    await new Promise((resolve) => setTimeout(resolve, backoff.firstMs));
    message.nack();
  }
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
  const sweep = async () => {
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
