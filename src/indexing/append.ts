import type { Context } from "ponder:registry";
import * as schema from "ponder:schema";
import type { EscrowEvent } from "../events/escrow-event.ts";
import { escrowKey, type RowChange } from "../projections/read-models.ts";
import { rowChanges } from "../projections/row-changes.ts";
import { transitionOf } from "../projections/transition.ts";
import type { WrittenTable } from "../projections/written-table.ts";

type Db = Context["db"];
type PartyRow = typeof schema.party.$inferSelect;

const TABLES = { ...schema };

/**
 * Appends an event: to the event store, to the outbox, and into every read model. All of it is in
 * the engine's transaction of the block, so a reader sees either everything or nothing of it, and
 * a reorg reverts all of it.
 */
export async function append(db: Db, event: EscrowEvent): Promise<void> {
  const before = await db.find(schema.escrow, escrowKey(event));
  // A copy: the engine hands out a view of its own row.
  const transition = transitionOf(before === null ? null : { ...before }, event);
  for (const { table, change } of rowChanges(transition)) await write(db, table, change);
}

async function write(db: Db, { name }: WrittenTable, change: RowChange): Promise<void> {
  // Rows and keys fit the table that they are named with; the compiler knows one table at a time.
  const table = TABLES[name] as typeof schema.party;
  switch (change.is) {
    case "new":
      await db.insert(table).values(change.row as PartyRow);
      return;
    case "next":
      await db.update(table, change.key as PartyRow).set(change.row);
      return;
    case "fold": {
      const before = await db.find(table, change.key as PartyRow);
      const row = change.fold(before);
      if (before === null) await db.insert(table).values(row as PartyRow);
      else await db.update(table, change.key as PartyRow).set(row);
    }
  }
}
