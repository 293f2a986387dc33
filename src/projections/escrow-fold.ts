import { type StoredEvent, UnreadableEvent, upcast } from "../events/upcast.ts";
import { type ApprovalRow, approvalOf } from "./approval.ts";
import type { EscrowState } from "./escrow.ts";
import { type Transition, transitionOf } from "./transition.ts";

/**
 * The history of one escrow, folded row by row out of the event store: the same folds as the
 * indexer's, so that after any row the state is what the read models held then.
 */
export class EscrowFold {
  /** Null before the first event. */
  state: EscrowState | null = null;
  readonly approvals: ApprovalRow[] = [];

  /**
   * Folds the next row of the stream in.
   *
   * @returns what it did, for the folds of other read models
   * @throws UnreadableEvent when the row cannot be read or is not the stream's next: a fold over a
   *   hole would be a state that never was
   */
  add(row: StoredEvent): Transition {
    const before = this.state;
    const expected = (before?.version ?? 0) + 1;
    if (row.streamVersion !== expected)
      throw new UnreadableEvent(
        row,
        `is number ${row.streamVersion} of the stream ${row.stream} where number ${expected} has to be: the event store is not complete; index it again from the chain`,
      );
    const transition = transitionOf(before, upcast(row));
    const approval = approvalOf(transition);
    if (approval) this.approvals.push(approval);
    this.state = transition.after;
    return transition;
  }
}
