import { type Kysely, sql } from "kysely";
import { doubtAll, recordReceipts } from "../doubt/doubt.ts";
import { Receipts } from "../doubt/receipts.ts";
import { adopt } from "../journal/adopt.ts";
import { declareKnown, isOpen, readJournalState } from "../journal/journal-state.ts";
import type { PublicationConfig } from "../journal/publication.ts";
import { toTopicMessage } from "../journal/topic-message.ts";
import type { PubsubConfig } from "../publish/pubsub-endpoint.ts";
import type { OutboxSource } from "../source/outbox-source.ts";

export type AdoptOptions = {
  /** The outbox that the messages were published from. */
  source: OutboxSource;
  /** A subscription that holds what was published since the backup; null: nothing was. */
  subscription: string | null;
  /** Without a message for this long, everything is taken to be read. */
  idleMs: number;
  onProgress: (read: number) => void;
};

/** The publication needs nothing of this, or does not exist. */
class NothingToAdopt extends Error {
  override name = "NothingToAdopt";
  readonly code = "ES-ADOPT-REFUSED";
}

/**
 * Brings the journal of a publication up to date by a person's word: the subscription holds
 * everything that was published since the journal was backed up. The publication then goes on.
 *
 * @returns how many messages were read, and how many of them the journal did not have
 * @throws NothingToAdopt; TopicContradiction when the subscription lacks something in between, or
 *   holds other bytes than the journal
 */
export async function adoptSubscription(
  db: Kysely<unknown>,
  pubsub: PubsubConfig,
  config: PublicationConfig,
  { source, subscription, idleMs, onProgress }: AdoptOptions,
): Promise<{ read: number; adopted: number }> {
  const { topic } = config;
  const { rows } = await sql<{ id: number }>`
    select id from relay.publication where topic = ${topic}`.execute(db);
  const [row] = rows;
  if (row === undefined)
    throw new NothingToAdopt(`The journal has no publication ${topic}: start the relay first.`);
  const publication = { ...config, id: row.id, haltedReason: null };
  const { isKnown, isHalted } = await readJournalState(db, publication);
  if (isKnown)
    throw new NothingToAdopt(
      `The journal of ${topic} is known to be as new as the topic${isHalted ? "; the publication is halted for another reason" : ""}.`,
    );
  const authority = sql<boolean>`not ${isOpen(publication.id)}`;
  const count = { read: 0, adopted: 0 };
  if (subscription !== null) {
    const receipts = new Receipts(pubsub, 0, () => subscription);
    try {
      await receipts.readAgain(topic, 0);
      for (let idleSinceMs = performance.now(); performance.now() - idleSinceMs < idleMs; ) {
        const read = await receipts.pull(topic, idleMs);
        if (read.length > 0) idleSinceMs = performance.now();
        const messages = read.flatMap((receipt) => toTopicMessage(receipt, topic, source) ?? []);
        count.adopted += await adopt(db, publication, messages, authority);
        if (messages.length > 0) await recordReceipts(db, publication, messages);
        await receipts.acknowledge(topic, read);
        count.read += messages.length;
        onProgress(count.read);
      }
    } finally {
      await receipts.close();
    }
  }
  await doubtAll(db, publication, authority);
  await declareKnown(db, publication);
  return count;
}
