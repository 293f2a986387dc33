import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { encodeMessage } from "../../src/outbox/encode-message.ts";
import { eventDifferences, readStored } from "../audit/event-differences.ts";
import { addToHistory, EMPTY_HISTORY, type HistoryHash } from "../audit/history-hash.ts";
import type { StoredRange, StoredRow } from "./stored-rows.ts";
import type { Difference } from "./witness-records.ts";

/** Whether an event store has just what was proven of a range, by the hash of it. */
export function hasSameHistory({ rows, orphans }: StoredRange, history: HistoryHash): boolean {
  if (orphans.length > 0 || rows.length !== history.events) return false;
  if (rows.some((row) => outboxDifference(row) !== null)) return false;
  const stored = rows.reduce(
    (hash, row) => addToHistory(hash, readStored(row).event),
    EMPTY_HISTORY,
  );
  return stored.sha256 === history.sha256;
}

/**
 * What an event store has otherwise than the chain, in the order of the blocks.
 *
 * @param events that are proven, payloads in the newest version
 */
export function pieceDifferences(
  events: readonly EscrowEvent[],
  { rows, orphans, isCut }: StoredRange,
): Difference[] {
  // What stands behind the last row that was read is not known.
  const lastRead = isCut ? Number(rows.at(-1)?.block_number) : Infinity;
  const expected = new Map(events.map((event) => [event.id, event]));
  const differences: Difference[] = [];
  for (const row of rows) {
    const event = expected.get(row.id);
    expected.delete(row.id);
    if (event === undefined) differences.push(phantom(row));
    else differences.push(...differing(event, row));
  }
  for (const { id, type, stream, blockNumber } of expected.values())
    if (blockNumber < lastRead)
      differences.push({
        ...{ kind: "hole", eventId: id, block: blockNumber },
        detail: `the chain has ${type} of escrow ${stream}, the event store does not`,
      });
  const named = new Set(differences.map(({ eventId }) => eventId));
  for (const { eventId, block } of orphans)
    if (!named.has(eventId))
      differences.push({
        ...{ kind: "phantom", eventId, block },
        detail: "the outbox has a message of it, the event store has no such event",
      });
  return differences.sort((a, b) => a.block - b.block);
}

function phantom({ id, type, stream, block_number }: StoredRow): Difference {
  return {
    ...{ kind: "phantom", eventId: id, block: Number(block_number) },
    detail: `the event store has ${type} of escrow ${stream}, the chain has no such log`,
  };
}

function differing(event: EscrowEvent, row: StoredRow): Difference[] {
  const stored = readStored(row);
  const words = eventDifferences(event, stored);
  if (stored.unreadable !== null && words.length === 0) words.push(stored.unreadable);
  const ofOutbox = outboxDifference(row);
  if (words.length === 0 && ofOutbox !== null) words.push(ofOutbox);
  if (words.length === 0) return [];
  // The row may stand in another block than its event: the earlier one is wrong already.
  const block = Math.min(event.blockNumber, Number(row.block_number));
  return [{ kind: "differs", eventId: event.id, block, detail: words.join("; ") }];
}

/** What is published is the outbox's: it has to be the event's message. */
function outboxDifference(row: StoredRow): string | null {
  if (row.outbox_event_id !== row.id) return "there is no outbox row at its position";
  const { event, unreadable } = readStored(row);
  if (unreadable !== null) return unreadable;
  const message = encodeMessage(event as EscrowEvent);
  const isSame =
    message.body === row.outbox_body &&
    message.orderingKey === row.outbox_key &&
    JSON.stringify(message.attributes) === row.outbox_attributes;
  return isSame ? null : "its outbox row is not its message";
}
