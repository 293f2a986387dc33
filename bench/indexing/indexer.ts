import type { Child } from "../framework/child.ts";
import type { Facts, Place } from "./place.ts";

/** A program that follows the escrows of a chain into PostgreSQL. */
export type Indexer = {
  name: string;
  /** Starts it where nothing of it is left, but maybe the engine's cache of RPC answers. */
  start: (place: Place) => Promise<RunningIndexer>;
};

export type RunningIndexer = {
  child: Child;
  /** True from when it has made its tables and the first event may come. */
  hasBegun: () => Promise<boolean>;
  /** True when every final event can be read, with all the indexes that readers need. */
  isReady: () => Promise<boolean>;
  facts: () => Promise<Facts>;
  /** Stops it and removes what it wrote, but the cache of RPC answers. */
  remove: () => Promise<void>;
};
