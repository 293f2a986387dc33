import type { DatabaseWatch } from "../read/database-watch.ts";
import type { FairQueue } from "../read/fair-queue.ts";
import type { FeedHub } from "./feed-hub.ts";
import type { FeedSource } from "./feed-source.ts";

/** What the routes of the feed are made of. */
export type FeedParts = {
  source: FeedSource;
  watch: DatabaseWatch;
  queue: FairQueue;
  hub: FeedHub;
};
