import type pg from "pg";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { projectEvents } from "../support/project-events.ts";
import { differingRows } from "./differing-rows.ts";

/**
 * Compares the read models with a fold of these events, over SQL as a user reads them.
 *
 * @param escrows every escrow that ever was on some branch, or null when the events are all there
 *   are: then the totals are compared too
 */
export async function judgeReadModels(
  pool: pg.Pool,
  events: EscrowEvent[],
  escrows: string[] | null,
): Promise<string[]> {
  const models = projectEvents(events);
  const tables: { table: string; key: string[]; rows: Iterable<object>; of: string | null }[] = [
    { table: "escrow", key: ["chain_id", "address"], rows: models.escrows.values(), of: "address" },
    {
      table: "approval",
      key: ["chain_id", "escrow", "approver"],
      rows: models.approvals.values(),
      of: "escrow",
    },
    {
      table: "settlement",
      key: ["chain_id", "escrow"],
      rows: models.settlements.values(),
      of: "escrow",
    },
    { table: "party", key: ["chain_id", "address"], rows: models.parties.values(), of: null },
    {
      table: "settlement_minute",
      key: ["chain_id", "minute"],
      rows: models.minutes.values(),
      of: null,
    },
    { table: "chain_stat", key: ["chain_id"], rows: models.stats.values(), of: null },
  ];
  const problems: string[] = [];
  for (const { table, key, rows, of } of tables) {
    if (escrows !== null && of === null) continue;
    const where = escrows === null ? "" : `where ${of} = any ($1)`;
    const found = await pool.query(
      `select * from escrow.${table} ${where}`,
      escrows === null ? [] : [escrows],
    );
    problems.push(...differingRows(`escrow.${table}`, key, rows, found.rows));
  }
  return problems;
}
