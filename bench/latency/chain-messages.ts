/** What the process of the simulated chain is told to do. Times are Unix milliseconds. */
export type ChainCommand =
  | { mine: { eventsPerSecond: number; blockMs: number; seconds: number }; fork?: undefined }
  /** Events of the block that is dropped. */
  | { fork: number };

/** What it did. */
export type ChainReport = {
  /** Blocks with events. */
  blocks: { number: number; minedAtMs: number; seenAtMs: number; eventIds: string[] }[];
  forkedAtMs?: number;
};
