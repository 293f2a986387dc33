import type { Kysely } from "kysely";
import { closeJournal } from "../journal/journal-state.ts";
import type { Publication } from "../journal/publication.ts";
import { recordReceipts } from "./doubt.ts";
import type { Receipt, Receipts } from "./receipts.ts";

const QUIET_PULL_MS = 1_000;

/** The topic holds what this journal never sent: it is an older one, restored. */
export class JournalOutdated extends Error {
  override name = "JournalOutdated";
  readonly code = "ES-JOURNAL-OUTDATED";
}

/** Reading ended before everything was read: somebody else is the leader, or the relay stops. */
export class ReadingEnded extends Error {
  override name = "ReadingEnded";
}

/**
 * Pulls some receipts. Two who read would take each other's barriers away: who is not the reader
 * any more when they come gives them back.
 *
 * @throws ReadingEnded then
 */
export async function pullReceipts(
  receipts: Receipts,
  topic: string,
  isReader: () => boolean,
  waitMs?: number,
): Promise<Receipt[]> {
  const read = await receipts.pull(topic, waitMs);
  if (isReader()) return read;
  await receipts.giveBack(topic, read);
  throw new ReadingEnded("somebody else reads the receipts now");
}

/**
 * Reads some receipts and writes them down before it acknowledges them.
 *
 * @throws JournalOutdated, having closed the publication and acknowledged nothing; ReadingEnded
 */
export async function readReceipts(
  db: Kysely<unknown>,
  publication: Publication,
  receipts: Receipts,
  isReader: () => boolean,
  waitMs?: number,
): Promise<Receipt[]> {
  const { read, unknown } = await readOnce(db, publication, receipts, isReader, waitMs);
  if (unknown > 0)
    throw new JournalOutdated(
      `topic ${publication.topic} holds messages that the journal does not know of`,
    );
  await receipts.acknowledge(publication.topic, read);
  return read;
}

/**
 * Reads everything that the subscription of a deleted topic still holds: whoever is in doubt about
 * a request to that topic needs it. Whatever it says of messages that the journal does not know,
 * the topic that held them is gone.
 *
 * @param quietMs how long nothing may have come for it to be everything
 */
export async function readLeftReceipts(
  db: Kysely<unknown>,
  publication: Publication,
  receipts: Receipts,
  quietMs: number,
): Promise<void> {
  let cameAtMs = performance.now();
  while (performance.now() - cameAtMs < quietMs) {
    const { read } = await readOnce(db, publication, receipts, () => true, QUIET_PULL_MS);
    if (read.length === 0) continue;
    cameAtMs = performance.now();
    await receipts.acknowledge(publication.topic, read);
  }
}

async function readOnce(
  db: Kysely<unknown>,
  publication: Publication,
  receipts: Receipts,
  isReader: () => boolean,
  waitMs?: number,
): Promise<{ read: Receipt[]; unknown: number }> {
  const read = await pullReceipts(receipts, publication.topic, isReader, waitMs);
  const numbered = read.flatMap(({ orderingKey, sequence, attributes }) =>
    sequence === null || attributes.publication !== publication.topic
      ? []
      : [{ orderingKey, sequence }],
  );
  const unknown = numbered.length > 0 ? await recordReceipts(db, publication, numbered) : 0;
  if (unknown > 0) await closeJournal(db, publication);
  return { read, unknown };
}
