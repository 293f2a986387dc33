/**
 * The feed refuses what it was asked: operator action is needed. 401 and 403: the key is wrong,
 * has expired, or may not read the feed. 404: there is no such publication. 410: what is asked for
 * is not kept, or not known; `beginAfter` says where the feed begins.
 */
export class FeedRefused extends Error {
  override name = "FeedRefused";
  /** HTTP status; 0 when the answer was not one of a feed. */
  readonly status: number;
  /** With status 410: the offset to begin behind, if what came before may be left out. */
  readonly beginAfter: number | null;

  constructor(message: string, status: number, beginAfter: number | null = null) {
    super(message);
    this.status = status;
    this.beginAfter = beginAfter;
  }
}

/** The feed did not answer, time and again: 429, 5xx, or no connection. Trying later may help. */
export class FeedUnavailable extends Error {
  override name = "FeedUnavailable";
}
