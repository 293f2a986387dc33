import type pg from "pg";
import type { Expected } from "./verdict.ts";

type Row = { event_id: string; ordering_key: string; body: string; attributes: string };

/** Everything that the outbox holds, in chain order. */
export async function readExpected(pool: pg.Pool): Promise<Expected[]> {
  const { rows } = await pool.query<Row>(
    "select event_id, ordering_key, body, attributes from escrow.outbox order by position",
  );
  return rows.map(({ event_id, ordering_key, body, attributes }) => ({
    eventId: event_id,
    orderingKey: ordering_key,
    body,
    attributes: JSON.parse(attributes) as Record<string, string>,
  }));
}
