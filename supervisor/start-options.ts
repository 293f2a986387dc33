/** What the command line of `npm start` asks for. */
export type StartOptions = {
  /** End by itself after this long, once everything indexed is published; null: never. */
  forMs: number | null;
  dataDir: string;
  /** Seed and pace of the sample escrows. */
  seed: number;
  eventsPerSecond: number;
};
