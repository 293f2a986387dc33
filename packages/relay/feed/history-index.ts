import { type Kysely, sql } from "kysely";

/** A number of our own: whoever makes or drops the index holds it, for the session. */
const LOCK = sql`hashtext('relay.message_history')`;
const LONGEST = "30min";

/**
 * Makes the index that history is read along, in the order of capture, without holding up relays
 * at work. One that was left unfinished is made again.
 *
 * @returns whether it is there; false while another session is about it
 */
export async function ensureHistoryIndex(
  db: Kysely<unknown>,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await stateOf(db)) === "ready") return true;
  return await alone(db, signal, async (session) => {
    const state = await stateOf(session);
    if (state === "ready") return;
    if (state === "unfinished") await drop(session);
    await sql`/* long */
      create index concurrently message_history
        on relay.message (publication_id, captured_at, ordering_key, sequence)`.execute(session);
  });
}

/** Drops it, once no publication has history to be numbered. */
export async function dropHistoryIndex(db: Kysely<unknown>, signal: AbortSignal): Promise<void> {
  if ((await stateOf(db)) === "absent" || (await hasHistory(db))) return;
  await alone(db, signal, async (session) => {
    if (!(await hasHistory(session))) await drop(session);
  });
}

async function stateOf(db: Kysely<unknown>): Promise<"ready" | "unfinished" | "absent"> {
  const { rows } = await sql<{ indisvalid: boolean }>`
    select indisvalid from pg_index where indexrelid = to_regclass('relay.message_history')`.execute(
    db,
  );
  const [index] = rows;
  if (index === undefined) return "absent";
  return index.indisvalid ? "ready" : "unfinished";
}

async function hasHistory(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql`select from relay.feed_history limit 1`.execute(db);
  return rows.length > 0;
}

async function drop(db: Kysely<unknown>): Promise<void> {
  await sql`/* long */ drop index concurrently if exists relay.message_history`.execute(db);
}

/** Under the lock, on a connection of its own, until `signal` cancels it. @returns whether it had the lock */
async function alone(
  db: Kysely<unknown>,
  signal: AbortSignal,
  work: (session: Kysely<unknown>) => Promise<void>,
): Promise<boolean> {
  return await db.connection().execute(async (session) => {
    // Never waited for: an index that is made concurrently waits for every statement under way.
    const { rows } = await sql<{ pid: number; is_ours: boolean }>`
      select pg_backend_pid() as pid, pg_try_advisory_lock(${LOCK}) as is_ours`.execute(session);
    const [{ pid, is_ours } = { pid: 0, is_ours: false }] = rows;
    if (!is_ours) return false;
    const cancel = (): void => {
      void sql`select pg_cancel_backend(${pid})`.execute(db).catch(() => undefined);
    };
    signal.addEventListener("abort", cancel, { once: true });
    try {
      signal.throwIfAborted();
      await sql`select set_config('statement_timeout', ${LONGEST}, false)`.execute(session);
      await work(session);
      return true;
    } finally {
      signal.removeEventListener("abort", cancel);
      await sql`reset statement_timeout`.execute(session);
      await sql`select pg_advisory_unlock(${LOCK})`.execute(session);
    }
  });
}
