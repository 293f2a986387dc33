import { createHash } from "node:crypto";
import { MalformedMessage } from "./malformed-message.ts";
import type { PubsubMessage } from "./pubsub-message.ts";

/**
 * What a consumer knows of the publication that it applies, and does not let any message tell it:
 * one of another publication, finality or key has no place here.
 */
export type ExpectedPublication = {
  /** Topic id, as in the messages' attribute `publication`. */
  topic: string;
  /** `final` where the publication's rule is `finalized`: nothing of it is ever retracted. */
  finality: "provisional" | "final";
  /** How many ordering keys, where they are hashed (`keys=<n>`). */
  keyCount?: number;
};

/** A message is not of the expected publication: the message is wrong, or what is expected. */
export class UnexpectedMessage extends MalformedMessage {
  override name = "UnexpectedMessage";
}

/** @throws TypeError when a program gives something else */
export function checkExpected(expected: ExpectedPublication | undefined): void {
  const { topic, finality, keyCount = 1 } = expected ?? {};
  if (!topic || (finality !== "final" && finality !== "provisional") || !(keyCount >= 1))
    throw new TypeError(
      'Option publication has to say what is expected, such as { topic: "settlement.events.v1", finality: "final" }.',
    );
}

/** @throws UnexpectedMessage saying which of its attributes, or its key, is another than expected */
export function refuseUnexpected(
  { attributes, orderingKey }: PubsubMessage,
  expected: ExpectedPublication,
): void {
  const {
    event_id: id,
    publication,
    finality,
    chain_id: chain,
    escrow_address: escrow,
  } = attributes;
  const problem = (what: string, value: unknown, other: string) =>
    new UnexpectedMessage(
      `Message ${id} has ${what} ${JSON.stringify(value) ?? "missing"} and not ${JSON.stringify(other)}, as expected of it.`,
    );
  if (publication !== expected.topic) throw problem("publication", publication, expected.topic);
  if (finality !== expected.finality) throw problem("finality", finality, expected.finality);
  const key = keyOf(`${chain}:${escrow}`, expected);
  if (orderingKey !== key) throw problem("ordering key", orderingKey, key);
}

/** As the relay hashes it (`packages/relay/leases/partition-of.ts`). */
function keyOf(key: string, { keyCount }: ExpectedPublication): string {
  if (keyCount === undefined) return key;
  const hash = createHash("md5").update(key).digest().readUInt32BE(0);
  return `h${hash % keyCount}`;
}
