import type { Hex, Payloads } from "../../src/events/escrow-event.ts";
import type { EventType } from "../../src/events/event-catalogue.ts";

/** The event that a log is, as the indexer should read it. */
export type LoggedFact = {
  [T in EventType]: { type: T; payload: Payloads[T]; escrow: Hex; revision: "A" | "B" };
}[EventType];

export type TransactionLog = {
  address: Hex;
  topics: Hex[];
  data: Hex;
  /** Null for what nobody should take notice of. */
  fact: LoggedFact | null;
};

/** A transaction, which may be mined in several branches. Its hash is the same in all of them. */
export type Transaction = {
  hash: Hex;
  /** What makes the hash its own. */
  salt: Hex;
  from: Hex;
  to: Hex;
  /** The escrow it is about; null when it has nothing to do with any. */
  escrow: Hex | null;
  /** Who is that escrow's arbiter after it, the zero address for none; absent for a stranger's. */
  arbiter?: Hex;
  /** How many seconds after the block before it can be mined at the earliest. */
  waitsSeconds: number;
  /** What it logs in a block of that time. */
  logsAt(timestamp: number): TransactionLog[];
};
