import type { Kysely } from "kysely";
import { recordReceipts } from "./doubt.ts";
import type { Publication } from "./publication.ts";
import type { Receipt, Receipts } from "./receipts.ts";

/** Reads some receipts and writes them down before it acknowledges them. */
export async function readReceipts(
  db: Kysely<unknown>,
  publication: Publication,
  receipts: Receipts,
): Promise<Receipt[]> {
  const read = await receipts.pull(publication.topic);
  const numbered = read.flatMap(({ orderingKey, sequence }) =>
    sequence === null ? [] : [{ orderingKey, sequence }],
  );
  if (numbered.length > 0) await recordReceipts(db, publication, numbered);
  await receipts.acknowledge(publication.topic, read);
  return read;
}

/**
 * Makes sure that what is published from now on leaves receipts. Where the topic was deleted and
 * made anew, everything that its old subscription still holds is read before that goes: whoever is
 * in doubt about a request to the old topic needs it.
 */
export async function ensureReceipts(
  db: Kysely<unknown>,
  publication: Publication,
  receipts: Receipts,
): Promise<void> {
  await receipts.ensure(publication.topic, async () => {
    while ((await readReceipts(db, publication, receipts)).length > 0);
  });
}
