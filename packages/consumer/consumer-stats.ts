/** What a running consumer has done since it started. */
export type ConsumerStats = {
  applied: number;
  /** Copies of what was applied before; their effect did not run again. */
  duplicates: number;
  /** Messages that came before a predecessor. */
  early: number;
  /** Messages for the relay itself. */
  barriers: number;
  /** Transactions that were rolled back and tried again. */
  retries: number;
  deadLetters: number;
  /** Times that the subscription's stream ended and was opened again. */
  reconnects: number;
  /** Now: messages in memory, waiting or being applied. */
  inFlight: number;
  /** Now, of all processes of this consumer, as of the last sweep. */
  parked: number;
  /** Now, as `parked`: keys that wait for `resolveDeadLetter`. */
  blockedKeys: number;
  /** Now: keys that came again and again without their next message; those are logged. */
  waitingKeys: number;
  /** Messages read from the feed so far, those that were applied before among them. */
  readFromFeed: number;
  /** From publishing to applying of the message applied last, in milliseconds; null before one. */
  lagMs: number | null;
};

export function emptyStats(): ConsumerStats {
  return {
    applied: 0,
    duplicates: 0,
    early: 0,
    barriers: 0,
    retries: 0,
    deadLetters: 0,
    reconnects: 0,
    inFlight: 0,
    parked: 0,
    blockedKeys: 0,
    waitingKeys: 0,
    readFromFeed: 0,
    lagMs: null,
  };
}
