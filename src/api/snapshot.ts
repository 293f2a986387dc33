import { db } from "ponder:api";
import { HTTPException } from "hono/http-exception";
import { sql } from "ponder";
import { type EventRow, toStoredEvent } from "../events/event-row.ts";
import { type StoredEvent, UnreadableEvent } from "../events/upcast.ts";

/** A transaction that sees the database as it was at one moment. */
export type Snapshot = Pick<typeof db, "execute">;

export type Query = ReturnType<typeof sql>;

type Transactions = {
  transaction<T>(
    work: (snapshot: Snapshot) => Promise<T>,
    config: { isolationLevel: "repeatable read"; accessMode: "read only" },
  ): Promise<T>;
};

const ROWS_PER_FETCH = 1_000;

/**
 * Reads several times in one state of the database: what the engine rolls back or adds meanwhile
 * is not seen by halves.
 *
 * @throws what `work` throws. The engine tries a transaction up to nine more times when it fails;
 *   that is for a lost connection, so what `work` refuses is carried past it.
 */
export async function inSnapshot<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  // The engine's type leaves `transaction` out (ponder 0.17).
  const transactions = db as unknown as Transactions;
  const outcome = await transactions.transaction(
    async (snapshot) => {
      try {
        return { answer: await work(snapshot) };
      } catch (error) {
        if (error instanceof HTTPException || error instanceof UnreadableEvent)
          return { refusal: error };
        throw error;
      }
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
  if (outcome.refusal) throw outcome.refusal;
  return outcome.answer;
}

/**
 * Rows of the event store, a thousand at a time: memory does not grow with their number. One such
 * reading per snapshot.
 *
 * @param query selects whole rows of `event`
 */
export async function* eventsOf(snapshot: Snapshot, query: Query): AsyncGenerator<StoredEvent> {
  await snapshot.execute(sql`declare event_rows no scroll cursor for ${query}`);
  for (;;) {
    const { rows } = await snapshot.execute(
      sql.raw(`fetch forward ${ROWS_PER_FETCH} from event_rows`),
    );
    for (const row of rows) yield toStoredEvent(row as EventRow);
    if (rows.length < ROWS_PER_FETCH) return;
  }
}
