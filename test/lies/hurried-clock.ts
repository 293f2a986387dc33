import type { Clock } from "../../source/request-pace.ts";

/** Waits cost no time, but time goes on by them. */
export function hurriedClock(): Clock {
  let skippedMs = 0;
  return {
    now: () => performance.now() + skippedMs,
    sleep: async (ms) => {
      skippedMs += ms;
    },
  };
}
