import { setTimeout } from "node:timers/promises";

const TRIES = 5;
const WAIT_MS = 200;
/** deadlock_detected; lock_not_available. */
const LOCK_CONFLICTS: ReadonlySet<unknown> = new Set(["40P01", "55P03"]);

/**
 * Reads again what PostgreSQL ended in favour of somebody else: the engine takes exclusive locks when
 * a deployment becomes live, in an order of its own.
 *
 * @throws what `read` throws, of a lock conflict only the last one
 */
export async function afterDeadlock<T>(read: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++)
    try {
      return await read();
    } catch (error) {
      if (!LOCK_CONFLICTS.has((error as { code?: unknown }).code) || tried === TRIES) throw error;
      await setTimeout(WAIT_MS);
    }
}
