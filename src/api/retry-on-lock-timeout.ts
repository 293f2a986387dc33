import { setTimeout } from "node:timers/promises";

type Reader = { query: (...args: never[]) => unknown };

const LOCK_NOT_AVAILABLE = "55P03";
const PAUSE_MS = 20;

/**
 * Retries each read outside a transaction whose wait for a lock timed out. The engine's readers wait
 * half a second for one: when a reader and the engine wait for each other, the reader gives way. But
 * on a busy machine it takes longer than that until the views are swapped, or until orphaned blocks
 * are reverted and the new ones are indexed.
 *
 * Transactions have a connection of their own from the pool; the engine retries them itself.
 *
 * @param reader its `query` is replaced, and asked for promises only
 * @param timeoutMs after this long the error is thrown
 */
export function retryOnLockTimeout(reader: Reader, timeoutMs: number): void {
  const query = reader.query.bind(reader);
  reader.query = async (...args) => {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      try {
        return await query(...args);
      } catch (error) {
        const isTimeout = (error as { code?: string }).code === LOCK_NOT_AVAILABLE;
        if (!isTimeout || performance.now() > deadlineMs) throw error;
        await setTimeout(PAUSE_MS);
      }
    }
  };
}
