import { setTimeout } from "node:timers/promises";
import { type Kysely, sql } from "kysely";
import { forgetWatermark } from "../journal/journal-state.ts";
import type { Publication } from "../journal/publication.ts";
import { readLeftReceipts } from "./read-receipts.ts";
import type { Receipts, ReceiptsState } from "./receipts.ts";

/** More than Pub/Sub takes to hand out again what was pulled and never acknowledged. */
const LATE_MS = 2_000;

/**
 * Makes sure that what is published leaves receipts that can be read.
 *
 * A topic that was deleted and made again has none at first: relays that did not notice go on
 * publishing to it. So everything that the old topic's subscription still holds is written down,
 * then that goes, and its successor begins with what the new topic itself kept
 * (`messageRetentionDuration`).
 *
 * @throws TopicUnusable saying what to do; the client's error when Pub/Sub does not answer
 */
export async function ensureReceipts(
  db: Kysely<unknown>,
  publication: Publication,
  receipts: Receipts,
): Promise<ReceiptsState> {
  const { topic } = publication;
  let state = await receipts.ensure(topic);
  if ("leftoverForMs" in state) state = await replace(db, publication, receipts);
  if (state.isNew) await forgetWatermark(db, publication);
  return state;
}

/** One at a time: a second one would remove what the first has just made. */
async function replace(
  db: Kysely<unknown>,
  publication: Publication,
  receipts: Receipts,
): Promise<ReceiptsState> {
  const { id, topic } = publication;
  return await db.transaction().execute(async (tx) => {
    // What the old topic left is read by other connections, while this one waits.
    await sql`set local idle_in_transaction_session_timeout = 0`.execute(tx);
    // Not waited for in the database, where a statement may take only so long.
    while (!(await lock(tx, id))) await setTimeout(LATE_MS / 4);
    const found = await receipts.ensure(topic);
    if (!("leftoverForMs" in found)) return found;
    await readLeftReceipts(db, publication, receipts, found.leftoverForMs + LATE_MS);
    await receipts.remove(topic);
    const made = await receipts.ensure(topic);
    if ("leftoverForMs" in made) throw new Error(`the receipts of topic ${topic} are in use`);
    await receipts.readAgain(topic, 0);
    return made;
  });
}

async function lock(tx: Kysely<unknown>, publicationId: number): Promise<boolean> {
  const { rows } = await sql<{ is_mine: boolean }>`
    select pg_try_advisory_xact_lock(hashtext('relay receipts'), ${publicationId}) as is_mine`.execute(
    tx,
  );
  return rows[0]?.is_mine ?? false;
}
