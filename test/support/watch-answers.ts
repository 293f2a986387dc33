import { setTimeout } from "node:timers/promises";

const PAUSE_MS = 50;

/** What a client saw that asks all the time. */
export type WatchedAnswers = {
  /** Good answers so far. */
  count: number;
  /** Every answer after the first good one that failed, or showed fewer escrows than one before. */
  problems: string[];
  stop(): Promise<void>;
};

/** @param ask number of escrows, or an error */
export function watchAnswers(ask: () => Promise<number>): WatchedAnswers {
  let isStopped = false;
  let escrows = 0;
  const seen: WatchedAnswers = {
    count: 0,
    problems: [],
    stop: async () => {
      isStopped = true;
      await running;
    },
  };
  const running = (async () => {
    while (!isStopped) {
      try {
        const now = await ask();
        if (now < escrows) seen.problems.push(`${now} escrows after ${escrows}`);
        escrows = now;
        seen.count += 1;
      } catch (error) {
        if (seen.count > 0 && !isStopped) seen.problems.push(String(error));
      }
      await setTimeout(PAUSE_MS);
    }
  })();
  return seen;
}
