import { type RawBuilder, sql } from "kysely";
import type { Statements } from "../statements.ts";
import type { EventRow } from "../views.ts";

const ROWS_PER_FETCH = 1_000;
let readings = 0;

/**
 * Rows of the event store, a thousand at a time: memory does not grow with their number.
 *
 * @param query selects whole rows of `escrow.event`
 */
export async function* eventsOf(
  db: Statements,
  query: RawBuilder<unknown>,
): AsyncGenerator<EventRow> {
  const cursor = sql.ref(`event_rows_${++readings}`);
  await sql`declare ${cursor} no scroll cursor for ${query}`.execute(db);
  const fetch = sql<EventRow>`fetch forward ${sql.raw(String(ROWS_PER_FETCH))} from ${cursor}`;
  for (;;) {
    const { rows } = await fetch.execute(db);
    yield* rows;
    if (rows.length < ROWS_PER_FETCH) break;
  }
  await sql`close ${cursor}`.execute(db);
}
