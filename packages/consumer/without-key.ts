import { setTimeout } from "node:timers/promises";
import type { Message } from "@google-cloud/pubsub";
import type { ApplyWorkOptions } from "./apply-work.ts";
import { deadLetterWithoutKey } from "./dead-letter.ts";
import { inTransaction } from "./in-transaction.ts";
import { messageHash } from "./message-hash.ts";
import type { PubsubMessage } from "./pubsub-message.ts";

/** Keeps a message that no key waits for, once. */
export async function keepMalformed(
  message: PubsubMessage & { id?: string },
  reason: string,
  { pool, consumer, publishDeadLetter, stats, log }: ApplyWorkOptions,
): Promise<void> {
  const isNew = await inTransaction(pool, (tx) =>
    deadLetterWithoutKey(
      tx,
      { source: message, hash: messageHash(message) },
      { reason, attempts: 1, publish: () => publishDeadLetter(message, reason, 1) },
      consumer,
    ),
  );
  if (!isNew) return;
  stats.deadLetters += 1;
  log.error(
    { event: "message.dead-letter", reason, pubsubMessageId: message.id },
    "a message is a dead letter",
  );
}

/** Keeps such a message and acknowledges it; hands it back when it cannot be kept. */
export async function keepWithoutKey(
  message: Message,
  reason: string,
  options: ApplyWorkOptions,
): Promise<void> {
  const { log, backoff } = options;
  try {
    await keepMalformed(message, reason, options);
    message.ack();
  } catch (error) {
    log.error(
      { event: "dead-letter.failed", err: error, reason },
      "a dead letter could not be kept; trying again",
    );
    await setTimeout(backoff.firstMs);
    message.nack();
  }
}

/** Has a message that is not as expected come again later: it may be what is expected that is wrong. */
export async function handBack(
  message: Message,
  error: Error,
  { log, backoff }: ApplyWorkOptions,
  signal: AbortSignal,
): Promise<void> {
  log.error(
    { event: "message.unexpected", err: error, pubsubMessageId: message.id },
    "no message was of the expected publication so far (option publication): handing this one back",
  );
  await setTimeout(backoff.maxMs, undefined, { signal }).catch(() => undefined);
  message.nack();
}
