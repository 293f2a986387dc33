import { z } from "zod";
import type { EventRow } from "../../src/events/event-row.ts";

/*
 * An export of the event store: lines of JSON. A header, one line per event in chain order, and a
 * trailer that says how many there were and what they hash to, so that a file that was cut off or
 * changed is known as such.
 */

const FORMAT = "escrow-stream/events";
/** 2: what was observed beside an event. Files of version 1 are read like any other. */
const FORMAT_VERSION = 2;

const whole = z.int().min(0);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const address = z.string().regex(/^0x[0-9a-f]{40}$/);
const digest = z.string().regex(/^[0-9a-f]{64}$/);

const header = z.strictObject({
  format: z.literal(FORMAT),
  format_version: z.int().min(1).max(FORMAT_VERSION),
  exported_at: z.iso.datetime(),
  /** Where it was read. */
  deployment: z.strictObject({ schema: z.string(), build_id: z.string() }),
  /** The newest version of each event's payload that the exporting build knew. */
  schema_versions: z.record(z.string(), z.int().min(1)),
  /** The blocks that the file holds all events of, and up to which of them they are final. */
  chains: z
    .strictObject({
      chain_id: z.int().min(1),
      name: z.string(),
      from_block: whole,
      to_block: whole,
      final_block: whole,
    })
    .array()
    .min(1),
});

const event = z.strictObject({
  chain_id: z.int().min(1),
  id: z.string(),
  position: z.string(),
  stream: address,
  stream_version: z.int().min(1),
  type: z.string(),
  schema_version: z.int().min(1),
  revision: z.string(),
  emitter: address,
  block_number: whole,
  block_hash: hash,
  block_timestamp: whole,
  transaction_hash: hash,
  log_index: whole,
  payload: z.record(z.string(), z.unknown()),
  observed_arbiter: address.optional(),
  anomaly: z.string().nullable(),
});

const trailer = z.strictObject({
  trailer: z.literal(FORMAT),
  events: whole,
  /** Of the event lines: the same in every export of the same events. */
  events_sha256: digest,
  /** Of everything before this line. */
  sha256: digest,
});

export type ExportHeader = z.infer<typeof header>;
export type ExportTrailer = z.infer<typeof trailer>;
export type ExportedEvent = z.infer<typeof event>;

/** Reads a line of an export; what it should be is the caller's to know. */
export const exportLine = { header, event, trailer };

export function headerLine(of: Omit<ExportHeader, "format" | "format_version">): string {
  return lineOf({ format: FORMAT, format_version: FORMAT_VERSION, ...of } satisfies ExportHeader);
}

/**
 * The keys always stand in this order, so the same events give the same bytes: also those that they
 * gave before anything was observed, for only what was observed has a key of its own.
 */
export function eventLine(row: EventRow): string {
  return lineOf({
    chain_id: Number(row.chain_id),
    id: row.id,
    position: row.position,
    stream: row.stream,
    stream_version: row.stream_version,
    type: row.type,
    schema_version: row.schema_version,
    revision: row.revision,
    emitter: row.emitter,
    block_number: Number(row.block_number),
    block_hash: row.block_hash,
    block_timestamp: Number(row.block_timestamp),
    transaction_hash: row.transaction_hash,
    log_index: row.log_index,
    payload: row.payload as Record<string, unknown>,
    ...(row.observed_arbiter ? { observed_arbiter: row.observed_arbiter } : {}),
    anomaly: row.anomaly,
  } satisfies ExportedEvent);
}

export function trailerLine(of: Omit<ExportTrailer, "trailer">): string {
  return lineOf({ trailer: FORMAT, ...of } satisfies ExportTrailer);
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
