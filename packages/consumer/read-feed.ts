import { setTimeout } from "node:timers/promises";
import { FeedRefused, FeedUnavailable } from "./feed-failure.ts";
import { type FeedPage, parseFeedPage } from "./feed-page.ts";
import type { Log } from "./log.ts";

/** A publication's feed, as the API of escrow-stream serves it. */
export type FeedOptions = {
  /** Where the API is, such as `https://escrow.example.com`. */
  url: string;
  /** Topic id of the publication, as in the messages' attribute `publication`. */
  publication: string;
  /** An API key that may read the feed; none where the API asks for none. */
  key?: string;
  /** Read only what is behind this offset; 0, the beginning, by default. */
  after?: number;
  /** Messages of a page, 1 to 1,000; 500 by default. */
  pageSize?: number;
  /** For one answer; 30 s by default. */
  timeoutMs?: number;
  /** How often a page is asked for that is not answered; 10 by default. */
  maxTries?: number;
};

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
/** A longer wait than this is not waited for in one go. */
const MAX_RETRY_AFTER_MS = 120_000;
const MAX_BYTES = 128 * 1024 * 1024;

/**
 * Reads the page of a feed behind an offset. What is not answered is asked for again, after the time
 * that the API asks for (`Retry-After`), or with growing pauses.
 *
 * @throws FeedRefused, FeedUnavailable, or the signal's reason
 */
export async function readFeed(
  feed: FeedOptions,
  after: number,
  signal: AbortSignal,
  log: Log,
): Promise<FeedPage> {
  const { publication, maxTries = 10 } = feed;
  for (let tries = 1; ; tries++) {
    const answer = await ask(feed, after, signal);
    if ("page" in answer) return answer.page;
    if (tries >= maxTries)
      throw new FeedUnavailable(
        `The feed of ${publication} did not answer ${tries} times; the last time: ${answer.why}`,
        { cause: answer.cause },
      );
    const growing = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), MAX_PAUSE_MS);
    const pauseMs = Math.min(answer.retryAfterMs ?? growing, MAX_RETRY_AFTER_MS);
    log.warn(
      { event: "feed.unavailable", publication, after, tries, pauseMs, why: answer.why },
      "the feed did not answer; trying again",
    );
    await setTimeout(pauseMs, undefined, { signal });
  }
}

type Answer = { page: FeedPage } | { why: string; retryAfterMs: number | null; cause?: unknown };

async function ask(
  { url, publication, key, pageSize = 500, timeoutMs = 30_000 }: FeedOptions,
  after: number,
  signal: AbortSignal,
): Promise<Answer> {
  const page = new URL(`v1/feeds/${encodeURIComponent(publication)}`, withSlash(url));
  page.searchParams.set("after", String(after));
  page.searchParams.set("limit", String(pageSize));
  try {
    const response = await fetch(page, {
      headers: {
        accept: "application/json",
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      // A key goes to the address that it was given for, and no further.
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await bounded(response);
    if (response.ok) return { page: parseFeedPage(text, after) };
    const { status } = response;
    if (status === 429 || status >= 500)
      return { why: `HTTP ${status}`, retryAfterMs: retryAfterMs(response) };
    throw refusal(status, text, publication, after);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FeedRefused) throw error;
    const { message, cause } = error as Error & { cause?: Error };
    return { why: cause?.message ?? message, retryAfterMs: null, cause: error };
  }
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body = response.body as AsyncIterable<Uint8Array> | null;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES)
      throw new FeedRefused(`The feed's answer is longer than ${MAX_BYTES} bytes.`, 0);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Seconds, or a date. */
function retryAfterMs(response: Response): number | null {
  const value = response.headers.get("retry-after");
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

function refusal(status: number, text: string, publication: string, after: number): FeedRefused {
  let detail = "";
  let beginAfter: number | null = null;
  try {
    const problem = JSON.parse(text);
    if (typeof problem.detail === "string") detail = `: ${problem.detail}`;
    if (Number.isSafeInteger(problem.begin_after)) beginAfter = problem.begin_after;
  } catch {
    // Not a problem document; the status says enough.
  }
  const what = `The feed of ${publication} behind offset ${after} is refused (HTTP ${status})${detail}`;
  const where = beginAfter === null ? "" : ` It begins behind offset ${beginAfter}.`;
  return new FeedRefused(`${what}${where}`, status, beginAfter);
}

function withSlash(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}
