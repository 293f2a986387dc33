import { isPositionOfLog, parseCheckpoint } from "../../engine/checkpoint.ts";
import { EVENT_CATALOGUE, isEventType } from "../../src/events/event-catalogue.ts";
import { eventId } from "../../src/events/event-id.ts";
import type { EventRow } from "../../src/events/event-row.ts";

const ADDRESS = /^0x[0-9a-f]{40}$/;

/** Something that is wrong with a stored event, by the name of the check that saw it. */
export type EventProblem = { check: EventCheck; detail: string };

type EventCheck =
  | ("event-id" | "event-position" | "event-order" | "event-block")
  | ("event-emitter" | "event-observed");

/**
 * Checks a row of the event store in itself and against its predecessor on the chain: what must
 * hold whatever the chain logged.
 *
 * @param before the row before it in chain order, of the same chain; null for the chain's first
 */
export function checkEvent(row: EventRow, before: EventRow | null): EventProblem[] {
  return [
    ...checkIdentity(row),
    ...checkPosition(row),
    ...checkEmitter(row),
    ...checkObserved(row),
    ...(before === null ? [] : checkOrder(row, before)),
  ];
}

function checkIdentity(row: EventRow): EventProblem[] {
  const id = eventId(Number(row.chain_id), row.block_hash as `0x${string}`, row.log_index);
  if (row.id === id) return [];
  return [{ check: "event-id", detail: `its columns make the id ${id}` }];
}

function checkPosition(row: EventRow): EventProblem[] {
  if (!isPositionOfLog(row.position))
    return [{ check: "event-position", detail: `${row.position} is no position of a log` }];
  const { timestamp, chainId, blockNumber, eventIndex } = parseCheckpoint(row.position);
  const said = [
    ["timestamp", timestamp, row.block_timestamp],
    ["chain", chainId, row.chain_id],
    ["block", blockNumber, row.block_number],
    ["log", eventIndex, row.log_index],
  ] as const;
  return said
    .filter(([, position, column]) => position !== BigInt(column))
    .map(([name, position, column]) => ({
      check: "event-position" as const,
      detail: `its position says ${name} ${position}, its columns say ${column}`,
    }));
}

/** The factory's event names its escrow; every other one is the escrow's own. */
function checkEmitter(row: EventRow): EventProblem[] {
  const isOfFactory = isEventType(row.type) && EVENT_CATALOGUE[row.type].emitter === "factory";
  const named = isOfFactory ? (row.payload as { escrow?: unknown } | null)?.escrow : row.emitter;
  if (named === row.stream) return [];
  const detail = isOfFactory
    ? `its payload is about ${named}, its stream is ${row.stream}`
    : `it was emitted by ${row.emitter}, its stream is ${row.stream}`;
  return [{ check: "event-emitter", detail }];
}

/** Only what no event says is asked for: the first arbiter of an escrow of revision A. */
function checkObserved({ type, revision, observed_arbiter: arbiter }: EventRow): EventProblem[] {
  if (arbiter === null || arbiter === undefined) return [];
  const check = "event-observed";
  if (type !== "EscrowCreated" || revision !== "A")
    return [
      { check, detail: `${type} of revision ${revision} has an observed arbiter, ${arbiter}` },
    ];
  if (ADDRESS.test(arbiter)) return [];
  return [{ check, detail: `its observed arbiter is ${arbiter}, not an address in lower case` }];
}

function checkOrder(row: EventRow, before: EventRow): EventProblem[] {
  if (row.position === before.position)
    return [{ check: "event-order", detail: `it has the same position as ${before.id}` }];
  const [block, blockBefore] = [BigInt(row.block_number), BigInt(before.block_number)];
  if (block < blockBefore)
    return [
      { check: "event-order", detail: `block ${block} comes after ${before.id} of ${blockBefore}` },
    ];
  if (block > blockBefore) {
    const isSameHash = row.block_hash === before.block_hash;
    const detail = `blocks ${blockBefore} and ${block} have the same hash, see ${before.id}`;
    return isSameHash ? [{ check: "event-block", detail }] : [];
  }
  const problems: EventProblem[] = (["block_hash", "block_timestamp"] as const)
    .filter((name) => String(row[name]) !== String(before[name]))
    .map((name) => ({
      check: "event-block",
      detail: `block ${block} has ${name} ${row[name]} here and ${before[name]} in ${before.id}`,
    }));
  if (row.log_index <= before.log_index)
    problems.push({
      check: "event-order",
      detail: `log ${row.log_index} comes after log ${before.log_index} of the same block`,
    });
  return problems;
}
