/** Everything that is looked for, and what each means. Their order is that of the report. */
export const CHECKS = {
  "event-unreadable": "a stored event is of no type, version or payload that this build knows",
  "event-unfoldable": "a fold threw at a stored event",
  "event-id": "an event's id is not <chain>-<block hash>-<log index> of its own columns",
  "event-position": "an event's position does not agree with its columns",
  "event-order": "events of a chain are not in the order of blocks and logs",
  "event-block": "events of one block disagree about the block",
  "event-emitter": "an event belongs to another stream than to its emitter's",
  "event-observed": "what was observed beside an event cannot be what was observed there",
  "event-chain": "an event is of a chain that the deployment does not follow",
  "stream-version": "the versions of a stream are not 1, 2, 3 …",
  "event-anomaly": "an event's anomaly is not what the fold finds",
  "outbox-message": "an event's outbox row is missing, or is not what the event is encoded as",
  "outbox-orphan": "an outbox row has no event",
  "read-model": "a row of a read model is not what the events fold to",
  "journal-invented": "the journal has a final event that the event store does not have",
  "journal-bytes": "a message differs from its event's outbox row",
  "journal-missing": "an event that capture has passed is not in the journal",
  "journal-sequence": "the sequences of a key have gaps, or another end than the key says",
  "journal-order": "messages of a key are numbered against chain order",
  "journal-incarnation": "an event stands in the journal more than once, or out of turn",
  "journal-retraction": "a retraction does not retract the message before it",
  "journal-receipt": "the topic was seen to hold more of a key than the journal ever sent",
  "topic-lost": "a message that counts as published is not on the topic",
  "topic-duplicated": "a message is on the topic more than once",
  "topic-reordered": "messages of a key are on the topic out of sequence",
  "topic-differing": "a message on the topic has other bytes than the journal",
  "topic-gap": "a message is missing between others of its key",
  "topic-unknown": "the topic holds a message that the journal does not know",
} as const;

export type Check = keyof typeof CHECKS;

/** One difference: the event id or key that it is about, and what is wrong there. */
export type Finding = { check: Check; subject: string; detail: string };

/** Counts every difference, and keeps the first ones of each kind. */
export class Findings {
  /** Differences that are kept of each kind. */
  readonly limit: number;
  readonly #kept = new Map<Check, Finding[]>();
  readonly #counts = new Map<Check, number>();

  constructor(limit: number) {
    this.limit = limit;
  }

  get total(): number {
    return [...this.#counts.values()].reduce((total, count) => total + count, 0);
  }

  add(check: Check, subject: string, detail: string): void {
    const kept = this.#kept.get(check) ?? [];
    if (kept.length < this.limit) kept.push({ check, subject, detail });
    this.#kept.set(check, kept);
    this.countOnly(check, 1);
  }

  /** Counts differences that were found, but not fetched one by one. */
  countOnly(check: Check, count: number): void {
    if (count > 0) this.#counts.set(check, this.count(check) + count);
  }

  count(check: Check): number {
    return this.#counts.get(check) ?? 0;
  }

  /** What was kept, in the order of the report. */
  list(): Finding[] {
    return (Object.keys(CHECKS) as Check[]).flatMap((check) => this.#kept.get(check) ?? []);
  }

  /** How many there are of each kind that there is any of. */
  counts(): Partial<Record<Check, number>> {
    return Object.fromEntries(
      (Object.keys(CHECKS) as Check[])
        .filter((check) => this.#counts.has(check))
        .map((check) => [check, this.count(check)]),
    );
  }
}
