import { setTimeout } from "node:timers/promises";

type Reader = { query: (...args: never[]) => unknown };

const LOCK_NOT_AVAILABLE = "55P03";
const PAUSE_MS = 20;

/**
 * Has each read outside a transaction asked again when it was refused for a lock. The engine's
 * readers wait half a second for one: when a reader and the engine wait for each other, it is the
 * reader who gives way. But on a busy machine it takes longer than that until views have changed
 * hands, or until dropped blocks are taken back and the new ones are indexed.
 *
 * Transactions have a connection of their own from the pool; the engine tries them again itself.
 *
 * @param reader its `query` is replaced, and asked for promises only
 * @param patienceMs after this long the refusal is passed on
 */
export function outlastLocks(reader: Reader, patienceMs: number): void {
  const query = reader.query.bind(reader);
  reader.query = async (...args) => {
    const deadlineMs = performance.now() + patienceMs;
    for (;;) {
      try {
        return await query(...args);
      } catch (error) {
        const isRefused = (error as { code?: string }).code === LOCK_NOT_AVAILABLE;
        if (!isRefused || performance.now() > deadlineMs) throw error;
        await setTimeout(PAUSE_MS);
      }
    }
  };
}
