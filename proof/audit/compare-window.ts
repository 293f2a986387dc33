import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import type { EventRow } from "../../src/events/event-row.ts";
import type { AuditedStore } from "./audited-store.ts";
import type { ChainWindow } from "./chain-window.ts";
import { eventDifferences, newest, readStored } from "./event-differences.ts";
import type { Finding } from "./finding.ts";
import { addToHistory, type HistoryHash } from "./history-hash.ts";

/** What came of comparing a range of blocks. */
export type WindowComparison = {
  chain: HistoryHash;
  store: HistoryHash;
  /** Events of the chain by their type. */
  byType: Record<string, number>;
  findings: Finding[];
  /** Ids of events that the store has in another block than its range. */
  elsewhere: string[];
  /** Rows that the chain does not have, beyond those that are named. */
  moreTooMuch: number;
};

/** Rows that the chain does not have are named up to here in each range: memory has a bound. */
const MOST_NAMED = 1_000;

/**
 * Compares the events of a range of blocks with the event store, id by id.
 *
 * @param before the histories up to this range
 * @param rows the store's, in order
 * @param blockHashAt the hash of the chain's block at a height
 */
export async function compareWindow(
  store: AuditedStore,
  chainId: number,
  before: { chain: HistoryHash; store: HistoryHash },
  window: ChainWindow,
  rows: AsyncIterable<EventRow>,
  blockHashAt: (block: number) => Promise<Hex>,
): Promise<WindowComparison> {
  const result: WindowComparison = {
    ...before,
    byType: {},
    findings: [...window.findings],
    elsewhere: [],
    moreTooMuch: 0,
  };
  const expected = new Map<string, EscrowEvent>();
  for (const event of window.events.map(newest)) {
    expected.set(event.id, event);
    result.chain = addToHistory(result.chain, event);
    result.byType[event.type] = (result.byType[event.type] ?? 0) + 1;
  }
  const strangers: EventRow[] = [];
  for await (const row of rows) {
    const event = expected.get(row.id);
    result.store = addToHistory(result.store, readStored(row).event);
    if (event !== undefined) {
      expected.delete(row.id);
      result.findings.push(...differing(event, row));
    } else if (window.undecodable.has(row.id)) continue;
    else if (strangers.length < MOST_NAMED) strangers.push(row);
    else result.moreTooMuch += 1;
  }
  for (const row of strangers) result.findings.push(await tooMuch(row, blockHashAt));
  await addMissing(store, chainId, expected, result);
  return result;
}

function differing(event: EscrowEvent, row: EventRow): Finding[] {
  const stored = readStored(row);
  const differences = eventDifferences(event, stored);
  if (stored.unreadable !== null && differences.length === 0) differences.push(stored.unreadable);
  if (differences.length === 0) return [];
  const { id: subject, blockNumber: block } = event;
  return [{ kind: "differing", subject, block, detail: differences.join("; ") }];
}

async function tooMuch(
  row: EventRow,
  blockHashAt: (block: number) => Promise<Hex>,
): Promise<Finding> {
  const block = Number(row.block_number);
  const hash = await blockHashAt(block);
  const detail =
    hash === row.block_hash
      ? `${row.type} of escrow ${row.stream}: the chain's block has no such log`
      : `${row.type} of escrow ${row.stream} in another block: at height ${block} the store has ${row.block_hash}, the chain ${hash}`;
  return { kind: "too-much", subject: row.id, block, detail };
}

/** What is not in its range may still be somewhere, under another block number. */
async function addMissing(
  store: AuditedStore,
  chainId: number,
  expected: ReadonlyMap<string, EscrowEvent>,
  result: WindowComparison,
): Promise<void> {
  if (expected.size === 0) return;
  const displaced = await store.byId(chainId, [...expected.keys()]);
  const missing: EscrowEvent[] = [];
  for (const event of expected.values()) {
    const row = displaced.get(event.id);
    if (row === undefined) missing.push(event);
    else {
      result.elsewhere.push(event.id);
      result.findings.push(...differing(event, row));
    }
  }
  const streams = [...new Set(missing.map(({ stream }) => stream))];
  const known = await store.knownStreams(chainId, streams);
  for (const { id, type, stream, blockNumber } of missing)
    result.findings.push({
      kind: "missing",
      subject: id,
      block: blockNumber,
      detail: `${type} of escrow ${stream}${known.has(stream) ? "" : ", of which the store has nothing at all"}`,
    });
}
