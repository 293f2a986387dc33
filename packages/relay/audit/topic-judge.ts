/** A message as a subscriber got it. */
export type DeliveredMessage = {
  /** Pub/Sub's own id: a redelivery has the same one, a second physical copy another. */
  messageId: string;
  orderingKey: string;
  body: string;
  attributes: Record<string, string>;
};

/** A message as the journal holds it, with what an auditor needs of it. */
export type ExpectedMessage = {
  orderingKey: string;
  sequence: number;
  eventId: string;
  body: string;
  attributes: Record<string, string>;
};

export type Finding = {
  kind: "lost" | "duplicated" | "reordered" | "differing" | "gap" | "unknown";
  orderingKey: string;
  sequence: number | null;
  eventId: string | null;
  detail: string;
};

type KeyState = {
  /** Highest sequence that arrived. */
  highest: number;
  /** Pub/Sub's id of the first copy, by sequence. */
  copies: Map<number, string>;
};

/**
 * Judges what is on a topic against the journal: every message once, in sequence, with its bytes.
 * Its memory grows with the number of messages, by some hundred bytes each.
 */
export class TopicJudge {
  readonly findings: Finding[] = [];
  readonly #keys = new Map<string, KeyState>();
  delivered = 0;

  /**
   * Takes the next message in the order of delivery.
   *
   * @param expected the journal's message of that key and sequence; null when there is none
   */
  take(message: DeliveredMessage, expected: ExpectedMessage | null): void {
    const { orderingKey, attributes, messageId } = message;
    const eventId = attributes.event_id ?? null;
    if (eventId === null) return;
    this.delivered += 1;
    const sequence = Number(attributes.sequence);
    const note = (kind: Finding["kind"], detail: string): void => {
      this.findings.push({ kind, orderingKey, sequence, eventId, detail });
    };
    if (expected === null || expected.eventId !== eventId) {
      note("unknown", `the journal has ${expected?.eventId ?? "nothing"} at this sequence`);
      return;
    }
    const state = this.#stateOf(orderingKey);
    const firstCopy = state.copies.get(sequence);
    if (firstCopy === messageId) return;
    if (!isSame(message, expected)) note("differing", "its bytes are not those of the journal");
    if (firstCopy !== undefined) {
      note("duplicated", `as Pub/Sub message ${firstCopy} and ${messageId}`);
      return;
    }
    state.copies.set(sequence, messageId);
    if (sequence < state.highest) note("reordered", `came after sequence ${state.highest}`);
    else state.highest = sequence;
  }

  /** Whether a message was delivered. */
  has({ orderingKey, sequence }: ExpectedMessage): boolean {
    return this.#keys.get(orderingKey)?.copies.has(sequence) ?? false;
  }

  /** Says that everything was read, and that this message had to be there but was not. */
  missing({ orderingKey, sequence, eventId }: ExpectedMessage): void {
    const isGap = sequence < (this.#keys.get(orderingKey)?.highest ?? 0);
    const detail = isGap ? "later ones of its key are there" : "nothing later of its key is there";
    this.findings.push({ kind: "lost", orderingKey, sequence, eventId, detail });
    if (isGap) this.findings.push({ kind: "gap", orderingKey, sequence, eventId, detail });
  }

  /** How many findings there are of a kind. */
  count(kind: Finding["kind"]): number {
    return this.findings.filter((finding) => finding.kind === kind).length;
  }

  #stateOf(orderingKey: string): KeyState {
    let state = this.#keys.get(orderingKey);
    if (state === undefined) {
      state = { highest: 0, copies: new Map() };
      this.#keys.set(orderingKey, state);
    }
    return state;
  }
}

function isSame(message: DeliveredMessage, expected: ExpectedMessage): boolean {
  const names = Object.keys(expected.attributes);
  return (
    message.body === expected.body &&
    Object.keys(message.attributes).length === names.length &&
    names.every((name) => message.attributes[name] === expected.attributes[name])
  );
}
