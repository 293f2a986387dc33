import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import type { ApprovalRow } from "../../src/projections/approval.ts";
import type { ChainStatRow } from "../../src/projections/chain-stat.ts";
import type { EscrowState } from "../../src/projections/escrow.ts";
import type { PartyRow } from "../../src/projections/party.ts";
import { ESCROW, escrowKey, READ_MODELS } from "../../src/projections/read-models.ts";
import { rowChanges, WRITTEN_TABLES } from "../../src/projections/row-changes.ts";
import type { SettlementRow } from "../../src/projections/settlement.ts";
import type { SettlementMinuteRow } from "../../src/projections/settlement-minute.ts";
import { type Transition, transitionOf } from "../../src/projections/transition.ts";
import type { Row, WrittenTable } from "../../src/projections/written-table.ts";

/** Every table by its primary key, values separated by colons, as the indexer would have written it. */
export class ProjectedTables {
  readonly transitions: Transition[] = [];
  readonly rows = new Map(WRITTEN_TABLES.map(({ name }) => [name, new Map<string, Row>()]));

  rowsOf<R extends Row>(name: WrittenTable["name"]): Map<string, R> {
    return this.rows.get(name) as Map<string, R>;
  }

  get escrows() {
    return this.rowsOf<EscrowState>("escrow");
  }
  get approvals() {
    return this.rowsOf<ApprovalRow>("approval");
  }
  get settlements() {
    return this.rowsOf<SettlementRow>("settlement");
  }
  get parties() {
    return this.rowsOf<PartyRow>("party");
  }
  get minutes() {
    return this.rowsOf<SettlementMinuteRow>("settlementMinute");
  }
  get stats() {
    return this.rowsOf<ChainStatRow>("chainStat");
  }

  /** @throws when a row of a read model is to be new and is there, as the database would */
  append(event: EscrowEvent): void {
    const before = this.escrows.get(nameOf(ESCROW, escrowKey(event))) ?? null;
    const transition = transitionOf(before, event);
    this.transitions.push(transition);
    for (const { table, change } of rowChanges(transition)) {
      const rows = this.rowsOf(table.name);
      const key = nameOf(table, change.is === "new" ? change.row : change.key);
      const isReadModel = READ_MODELS.some(({ name }) => name === table.name);
      if (isReadModel && change.is === "new" && rows.has(key))
        throw new Error(`duplicate key ${key}`);
      rows.set(key, change.is === "fold" ? change.fold(rows.get(key) ?? null) : change.row);
    }
  }
}

/** Folds a history of any number of chains and escrows into every table. */
export function projectEvents(events: readonly EscrowEvent[]): ProjectedTables {
  const tables = new ProjectedTables();
  for (const event of events) tables.append(event);
  return tables;
}

function nameOf({ key }: WrittenTable, row: Row): string {
  return key.map((column) => String(row[column])).join(":");
}
