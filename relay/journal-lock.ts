import { setTimeout } from "node:timers/promises";
import pg from "pg";
import type { Logger } from "pino";

/** Any number that no other program on the database uses for an advisory lock. */
const LOCK_KEY = 7_239_001_466;
const STAND_BY_INTERVAL_MS = 1_000;

export type JournalLock = {
  /** Resolves when the lock is lost, because its connection is; never by `release`. */
  lost: Promise<void>;
  release(): Promise<void>;
};

/**
 * Waits until this process is the only relay on the journal. PostgreSQL gives the lock up when the
 * connection ends, so a relay that was killed does not keep others out.
 *
 * @param signal ends the wait
 * @returns null when the wait was ended
 */
export async function acquireJournalLock(
  databaseUrl: string,
  log: Logger,
  signal: AbortSignal,
): Promise<JournalLock | null> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: "relay_lock",
    keepAlive: true,
  });
  const lost = Promise.withResolvers<void>();
  client.on("error", () => lost.resolve());
  await client.connect();
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const { rows } = await client.query("select pg_try_advisory_lock($1) as got", [LOCK_KEY]);
    if (rows[0].got) {
      let isReleased = false;
      client.on("end", () => isReleased || lost.resolve());
      const release = async (): Promise<void> => {
        isReleased = true;
        await client.end();
      };
      return { lost: lost.promise, release };
    }
    if (isFirst) log.info("another relay is at work on this journal; standing by");
    await setTimeout(STAND_BY_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
  await client.end();
  return null;
}
