import { setTimeout } from "node:timers/promises";
import pg from "pg";

const RETRY_MS = 100;
/** Longer than an engine whose parent is gone takes to end. */
const WAIT_MS = 20_000;

/**
 * Advisory locks of a session: the database lets go of them when the process is gone, however it
 * went. So whoever gets a deployment's lock knows that no engine of a replay runs on it.
 *
 * @returns lets go of the lock
 * @throws when another process still holds it after some seconds
 */
export async function lockDeployment(
  databaseUrl: string,
  schema: string,
): Promise<() => Promise<void>> {
  const release = await tryLock(databaseUrl, `deployment ${schema}`, WAIT_MS);
  if (release === null) throw new Error(`Another engine of a replay runs on ${schema}.`);
  return release;
}

/**
 * Makes sure that there is one replay at a time in a database.
 *
 * @returns lets go of the lock; null when another replay runs
 */
export async function lockReplay(databaseUrl: string): Promise<(() => Promise<void>) | null> {
  return await tryLock(databaseUrl, "replay", 0);
}

/**
 * Makes sure that one process at a time heals the deployments of a database.
 *
 * @returns lets go of the lock; null when another process has it
 */
export async function lockHealing(databaseUrl: string): Promise<(() => Promise<void>) | null> {
  return await tryLock(databaseUrl, "healing", 0);
}

async function tryLock(
  databaseUrl: string,
  name: string,
  waitMs: number,
): Promise<(() => Promise<void>) | null> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: name });
  client.on("error", () => undefined);
  await client.connect();
  const deadlineMs = performance.now() + waitMs;
  for (;;) {
    const { rows } = await client.query(
      "select pg_try_advisory_lock(hashtextextended($1, 0)) as held",
      [`escrow-stream ${name}`],
    );
    if (rows[0].held) return () => client.end();
    if (performance.now() >= deadlineMs) break;
    await setTimeout(RETRY_MS);
  }
  await client.end();
  return null;
}
