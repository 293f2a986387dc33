import { outboxRow } from "../outbox/outbox-row.ts";
import { READ_MODELS, type RowChange } from "./read-models.ts";
import type { Transition } from "./transition.ts";
import { type WrittenTable, writtenTable } from "./written-table.ts";

const EVENT_STORE = writtenTable("event", ["chainId", "id"]);
const OUTBOX = writtenTable("outbox", ["chainId", "position"]);

/** Every table that events are written to. */
export const WRITTEN_TABLES: readonly WrittenTable[] = [EVENT_STORE, OUTBOX, ...READ_MODELS];

/**
 * All that an event writes: its row of the event store, its message in the outbox, and what becomes
 * of the read models. Whoever writes rows takes them from here, so that no two can differ.
 */
export function rowChanges(transition: Transition): { table: WrittenTable; change: RowChange }[] {
  const { event, after, anomaly } = transition;
  return [
    {
      table: EVENT_STORE,
      change: { is: "new", row: { ...event, streamVersion: after.version, anomaly } },
    },
    { table: OUTBOX, change: { is: "new", row: outboxRow(event) } },
    ...READ_MODELS.flatMap((table) =>
      table.changes(transition).map((change) => ({ table, change })),
    ),
  ];
}
