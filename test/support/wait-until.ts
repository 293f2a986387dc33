import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 100;

/**
 * Waits for a condition: asks again and again until the answer is neither false nor undefined. An
 * error of the probe counts as "not yet" and is told when time runs out.
 *
 * @param what the condition in words, for the error
 * @returns the probe's answer
 * @throws when the condition does not hold after `timeoutMs`
 */
export async function waitUntil<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 90_000,
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(`not within ${timeoutMs / 1000} s: ${what}`, { cause: last });
    await sleep(POLL_MS);
  }
}
