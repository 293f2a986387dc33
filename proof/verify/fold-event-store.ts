import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { Deployment } from "../../engine/deployment/find-deployment.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { toStoredEvent } from "../../src/events/event-row.ts";
import { UnreadableEvent, upcast } from "../../src/events/upcast.ts";
import type { Transition } from "../../src/projections/transition.ts";
import { type BlockRange, readEventPages, type StoredRow } from "./event-pages.ts";
import type { Findings } from "./findings.ts";
import type { ReadModelFold } from "./read-model-fold.ts";

export type FoldPass = {
  /** The events up to these blocks, or all behind them. */
  part: "upTo" | "behind";
  blocks: BlockRange;
  /** Events that are held in memory at a time. */
  pageRows: number;
  /** Called for each row in chain order; without a transition when it could not be folded. */
  onRow?: (row: StoredRow, transition: Transition | undefined) => void;
  /** Called after each page with the number of events in it. */
  onPage: (events: number) => void;
};

/** Folds the event store, or a part of it, in chain order. What cannot be read is a finding. */
export async function foldEventStore(
  database: FrozenDatabase,
  { schema }: Deployment,
  fold: ReadModelFold,
  { part, blocks, pageRows, onRow, onPage }: FoldPass,
  findings: Findings,
): Promise<void> {
  for await (const rows of readEventPages(database, schema, part, blocks, pageRows)) {
    const events = rows.map((row) => readEvent(row, findings));
    const transitions = await fold.take(events.filter((event) => event !== null));
    rows.forEach((row, at) => {
      const event = events[at];
      onRow?.(row, event ? transitions.get(event) : undefined);
    });
    onPage(rows.length);
  }
}

function readEvent(row: StoredRow, findings: Findings): EscrowEvent | null {
  try {
    return upcast(toStoredEvent(row));
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
    findings.add("event-unreadable", row.id, error.message);
    return null;
  }
}
