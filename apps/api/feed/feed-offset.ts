import { setTimeout } from "node:timers/promises";
import { Problem } from "../problem.ts";
import type { DatabaseWatch } from "../read/database-watch.ts";
import type { FeedBounds } from "./feed-row.ts";
import type { FeedSource } from "./feed-source.ts";

/** A standby gets so long to have what another instance has handed out, in milliseconds. */
const STANDBY_MS = 5_000;
const LOOK_AGAIN_MS = 250;

type Asked = { topic: string; after: number; signal: AbortSignal };

/**
 * Finds a publication, and makes sure that the feed can be read behind an offset.
 *
 * @throws Problem 404 when there is no such publication; 410 when the offset was never given or what
 *   follows it is not kept any more; 503 when a standby does not have it yet
 */
export async function publicationBehind(
  { source, watch }: { source: FeedSource; watch: DatabaseWatch },
  { topic, after, signal }: Asked,
): Promise<FeedBounds> {
  const startMs = performance.now();
  // What another instance handed out a moment ago may be newer than a look that is shared.
  for (let isNow = false; ; isNow = true) {
    const bounds = await source.bounds(topic, isNow);
    if (bounds === undefined)
      throw new Problem("ES-NOT-FOUND", "there is no such publication: /v1/feeds lists them");
    if (after < bounds.first_offset - 1)
      throw gone(bounds, "what followed it is not kept any more");
    if (after <= bounds.last_offset) return bounds;
    if (!isNow) continue;
    const lagSeconds = watch.progress?.standbyLagSeconds ?? null;
    if (lagSeconds === null) throw gone(bounds, "no message has it");
    if (performance.now() - startMs > STANDBY_MS) {
      if (lagSeconds * 1_000 < STANDBY_MS) throw gone(bounds, "no message has it");
      throw new Problem("ES-CATCHING-UP", "This standby does not have that offset yet.");
    }
    await setTimeout(LOOK_AGAIN_MS);
    signal.throwIfAborted();
  }
}

function gone({ first_offset, last_offset, topic }: FeedBounds, why: string): Problem {
  return new Problem(
    "ES-FEED-OFFSET",
    `that offset of ${topic} is unknown: ${why}. Begin again after ${first_offset - 1}.`,
    { members: { first_offset, last_offset, begin_after: first_offset - 1 } },
  );
}
