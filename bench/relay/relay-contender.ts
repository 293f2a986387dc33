import type { Child } from "../framework/child.ts";
import type { Backlog } from "./backlog.ts";

/** Where a contender works. */
export type Place = {
  databaseUrl: string;
  topic: string;
  /** What its processes need in their environment. */
  env: NodeJS.ProcessEnv;
  backlog: Backlog;
};

/** Somebody who publishes a backlog, in order per key, and marks what was accepted. */
export type RelayContender = {
  name: string;
  /** Whether it survives a kill: the bare client has nothing to go on from. */
  isDurable: boolean;
  /** Puts table `backlog` where it takes its work from, unless that is only done at `begin`. */
  prepare: (place: Place) => Promise<void>;
  /** Starts its processes. Resolves when they are ready and have nothing to do but wait. */
  start: (place: Place) => Promise<Child[]>;
  /** Shows them the backlog. The clock runs when it has resolved. */
  begin: (place: Place, children: Child[]) => Promise<void>;
  /** Starts again after a kill, on what is left. */
  restart: (place: Place) => Promise<Child[]>;
  /** SQL for whether everything is published and marked, as `so`. */
  isDone: string;
};
