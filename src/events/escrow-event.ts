import type { EVENT_CATALOGUE, EventType, FieldType, Revision } from "./event-catalogue.ts";

/** A 20-byte address, a 32-byte hash: lower-case hex. */
export type Hex = `0x${string}`;

type ValueOf<Type> = Type extends "address" | "address?"
  ? Hex
  : Type extends "uint8" | "uint8?"
    ? number
    : string;

type Optional<Fields> = {
  [Name in keyof Fields]: Fields[Name] extends `${string}?` ? Name : never;
}[keyof Fields];

type PayloadOf<Fields extends Readonly<Record<string, FieldType>>> = {
  -readonly [Name in Exclude<keyof Fields, Optional<Fields>>]: ValueOf<Fields[Name]>;
} & { -readonly [Name in Optional<Fields>]?: ValueOf<Fields[Name]> };

/**
 * What each event says, in the contract's own words. Every uint256 is a decimal string, so that
 * a payload is plain JSON.
 */
export type Payloads = {
  [T in EventType]: PayloadOf<(typeof EVENT_CATALOGUE)[T]["fields"]>;
};

/** Where on which chain it was logged. Times are Unix seconds. */
type EventOrigin = {
  chainId: number;
  /** `<chainId>-<blockHash>-<logIndex>`. */
  id: string;
  /** The engine's checkpoint of the log: sorts in chain order. */
  position: string;
  /** The escrow that the event is about. */
  stream: Hex;
  schemaVersion: number;
  revision: Revision;
  /** The contract that logged it: the escrow itself, or its factory. */
  emitter: Hex;
  blockNumber: number;
  blockHash: Hex;
  blockTimestamp: bigint;
  transactionHash: Hex;
  logIndex: number;
  /** Of an `EscrowCreated` of revision A the arbiter at the end of its block; null elsewhere. */
  observedArbiter: Hex | null;
};

export type EscrowEventOf<T extends EventType> = EventOrigin & { type: T; payload: Payloads[T] };

/** An immutable fact of the chain, as the event store keeps it. */
export type EscrowEvent = { [T in EventType]: EscrowEventOf<T> }[EventType];
