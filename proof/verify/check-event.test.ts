import { expect, test } from "vitest";
import { checkEvent } from "./check-event.ts";
import type { StoredRow } from "./event-pages.ts";

const HASH = `0x${"a".repeat(64)}`;
const ESCROW = `0x${"e".repeat(40)}`;

/** An approval in block 7 of chain 1, as the driver hands it out. */
function row(changes: Partial<StoredRow> = {}): StoredRow {
  const block = Number(changes.block_number ?? 7);
  const log = changes.log_index ?? 2;
  const hash = changes.block_hash ?? HASH;
  const time = Number(changes.block_timestamp ?? 1_700_000_000);
  const part = (value: number, digits: number) => String(value).padStart(digits, "0");
  return {
    chain_id: "1",
    id: `1-${hash}-${log}`,
    position: `${part(time, 10)}${part(1, 16)}${part(block, 16)}${part(3, 16)}5${part(log, 16)}`,
    stream: ESCROW,
    stream_version: 3,
    type: "Approved",
    schema_version: 1,
    revision: "B",
    emitter: ESCROW,
    block_number: String(block),
    block_hash: hash,
    block_timestamp: String(time),
    transaction_hash: HASH,
    log_index: log,
    payload: { approver: ESCROW },
    payload_text: "",
    anomaly: null,
    outbox_event_id: null,
    outbox_key: null,
    outbox_block_number: null,
    outbox_block_hash: null,
    outbox_body: null,
    outbox_attributes: null,
    ...changes,
  };
}

const checksOf = (...rows: [StoredRow, StoredRow | null]) =>
  checkEvent(...rows).map(({ check }) => check);

test("a regular row has no problem, first or after another log of its block", () => {
  expect(checkEvent(row(), null)).toEqual([]);
  expect(checkEvent(row({ log_index: 3 }), row())).toEqual([]);
});

test("an id has to be that of the row's own chain, block and log", () => {
  expect(checkEvent(row({ id: `10-${HASH}-2` }), null)).toEqual([
    { check: "event-id", detail: `its columns make the id 1-${HASH}-2` },
  ]);
});

test("a position has to be a log's, with the row's time, chain, block and log in it", () => {
  expect(checksOf(row({ position: "7" }), null)).toEqual(["event-position"]);
  for (const at of [9, 25, 41, 74]) {
    const { position } = row();
    const moved = `${position.slice(0, at)}9${position.slice(at + 1)}`;
    expect(checksOf(row({ position: moved }), null), `digit ${at}`).toEqual(["event-position"]);
  }
});

test("logs come in the order of blocks and logs, and none twice", () => {
  expect(checksOf(row({ id: `1-${HASH}-2` }), row())).toEqual(["event-order"]);
  expect(checksOf(row({ log_index: 1 }), row())).toEqual(["event-order"]);
  const other = `0x${"b".repeat(64)}`;
  expect(checksOf(row({ block_number: "6", block_hash: other }), row())).toEqual(["event-order"]);
});

test("events of a block agree on its hash and time, and no two blocks share a hash", () => {
  const other = `0x${"b".repeat(64)}`;
  expect(checksOf(row({ log_index: 3, block_hash: other }), row())).toEqual(["event-block"]);
  expect(checksOf(row({ log_index: 3, block_timestamp: "1700000001" }), row())).toEqual([
    "event-block",
  ]);
  expect(checksOf(row({ block_number: "8" }), row())).toEqual(["event-block"]);
});

test("an escrow's events are its own; its factory's name it", () => {
  const factory = `0x${"f".repeat(40)}`;
  expect(checksOf(row({ emitter: factory }), null)).toEqual(["event-emitter"]);
  const deployed = { type: "EscrowDeployed", emitter: factory };
  expect(checksOf(row({ ...deployed, payload: { escrow: ESCROW } }), null)).toEqual([]);
  expect(checksOf(row({ ...deployed, payload: { escrow: factory } }), null)).toEqual([
    "event-emitter",
  ]);
});
