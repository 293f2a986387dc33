import type { ApplyWorkOptions } from "./apply-work.ts";
import { applyWork } from "./apply-work.ts";
import type { Envelope } from "./envelope.ts";
import { type ExpectedPublication, UnexpectedMessage } from "./expected-publication.ts";
import { FeedRefused } from "./feed-failure.ts";
import { readFeedPosition, saveFeedPosition } from "./feed-position.ts";
import { KeyLanes } from "./key-lanes.ts";
import type { PubsubMessage } from "./pubsub-message.ts";
import { readEnvelope } from "./read-envelope.ts";
import { type FeedOptions, readFeed } from "./read-feed.ts";

export type CatchUpOptions = {
  feed: FeedOptions;
  publication: ExpectedPublication;
  work: ApplyWorkOptions;
  concurrency: number;
  batchSize: number;
  /** Keeps what does not say where it belongs. */
  onMalformed: (message: PubsubMessage, reason: string) => Promise<void>;
  signal: AbortSignal;
};

/**
 * Applies a feed from where this consumer stopped in it to its end, by the same high-water marks as
 * what Pub/Sub delivers: what one of the two has applied is a duplicate for the other. So whoever has
 * a subscription, and reads the feed to its end after that was made, misses nothing: what the
 * subscription does not have was published before, and so is in the feed.
 *
 * The feed may be ahead of Pub/Sub: what Pub/Sub delivers of it later is a duplicate. A key that waits
 * for a person keeps its later messages in `parked_message`: a feed cannot be handed anything back.
 *
 * @throws FeedRefused, FeedUnavailable, an error of the database, or the signal's reason; what was
 *   applied stays applied
 */
export async function catchUp(options: CatchUpOptions): Promise<void> {
  const { feed, work, signal } = options;
  const { publication } = feed;
  const consumer = { ...work.consumer, onEarly: "park" as const };
  const lanes = new KeyLanes({
    process: (piece) => applyWork(piece, { ...work, consumer }),
    concurrency: options.concurrency,
    batchSize: options.batchSize,
    ...{ earlyHoldMs: 0, maxEarlyHoldMs: 0, roomFor: 0 },
  });
  const onAbort = (): void => void lanes.stop();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const position = await readFeedPosition(work.pool, publication, consumer);
    let after = Math.max(feed.after ?? 0, position?.offset ?? 0);
    work.log.info({ event: "feed.reading", publication, after }, "reading the feed");
    let page = await readFeed(feed, after, signal, work.log);
    for (;;) {
      const applied = applyPage(page.messages, lanes, options);
      // The next page comes while this one is applied; its failure is told when it is waited for.
      const following = page.hasMore ? readFeed(feed, page.next, signal, work.log) : null;
      following?.catch(() => undefined);
      await applied;
      work.stats.readFromFeed += page.messages.length;
      after = page.next;
      const isCaughtUp = following === null;
      await saveFeedPosition(work.pool, publication, { offset: after, isCaughtUp }, consumer);
      if (following === null) break;
      page = await following;
    }
    work.log.info({ event: "feed.read", publication, after }, "the feed is read to its end");
  } finally {
    signal.removeEventListener("abort", onAbort);
    await lanes.stop();
  }
}

/** Resolves when each message is applied, parked, or a dead letter. */
async function applyPage(
  messages: PubsubMessage[],
  lanes: KeyLanes,
  { publication, onMalformed, signal }: CatchUpOptions,
): Promise<void> {
  await Promise.all(
    messages.map(async (message) => {
      let envelope: Envelope | null;
      try {
        envelope = readEnvelope(message, publication);
      } catch (error) {
        // Nobody but the relay writes a feed: what is expected is wrong, and all of it would be lost.
        if (error instanceof UnexpectedMessage) throw new FeedRefused(error.message, 0);
        await onMalformed(message, String(error));
        return;
      }
      if (envelope !== null) await applyOne(envelope, lanes, signal);
    }),
  );
}

/** Handed back when it failed, after its pause: it is taken again, for as long as it takes. */
function applyOne(envelope: Envelope, lanes: KeyLanes, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const add = (): void => {
      if (signal.aborted) reject(signal.reason);
      else lanes.add({ envelope, ack: resolve, nack: () => setImmediate(add) });
    };
    add();
  });
}
