/** Bounds of a growing wait between tries. */
export type Backoff = { firstMs: number; maxMs: number };

/**
 * How long to wait before the next try: doubled by every failure, up to a bound, and spread over
 * its upper half so that many who failed together do not come back together.
 *
 * @param failures failures in a row so far, from 1
 */
export function backoffMs({ firstMs, maxMs }: Backoff, failures: number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full / 2 + Math.random() * (full / 2);
}
