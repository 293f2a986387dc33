import { setTimeout } from "node:timers/promises";
import type { PublicationConfig } from "@escrow-stream/relay";
import { type Kysely, sql } from "kysely";
import { ponderOutbox } from "../engine/outbox-source.ts";
import { countUnpublished } from "../packages/relay/serve/relay-status.ts";
import { afterDeadlock } from "./after-deadlock.ts";
import type { Snapshot, SnapshotReader } from "./snapshot.ts";

const POLL_MS = 250;
const SOURCE = ponderOutbox();

export type DrainOptions = {
  publications: PublicationConfig[];
  /** Whether every event has to be final as well; true for a chain that we can mine. */
  untilFinal: boolean;
  timeoutMs: number;
  signal: AbortSignal;
};

export type Drained = {
  snapshot: Snapshot;
  /** Events that are due and not published, per topic. */
  missing: Record<string, number>;
  /** Whether the engine reached what the chains held when the wait began. */
  isIndexed: boolean;
};

/**
 * Waits until the engine has indexed what every chain held when this began, and everything indexed
 * is published wherever it is due; or until the timeout, and then says what is missing.
 */
export async function waitUntilPublished(
  db: Kysely<unknown>,
  reader: SnapshotReader,
  { publications, untilFinal, timeoutMs, signal }: DrainOptions,
): Promise<Drained> {
  const target = await afterDeadlock(() => reader.read());
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const snapshot = await afterDeadlock(() => reader.read());
    const isIndexed =
      snapshot.publications.length === publications.length &&
      snapshot.chains.every(
        ({ indexed }, at) => indexed !== null && indexed >= (target.chains[at]?.head ?? 0),
      ) &&
      (!untilFinal || (await afterDeadlock(() => isAllFinal(db))));
    const missing: Record<string, number> = {};
    // Before that, the tables to count in need not exist.
    for (const publication of isIndexed ? publications : [])
      missing[publication.topic] = await afterDeadlock(() =>
        countUnpublished(db, SOURCE, publication),
      );
    const isPublished = Object.values(missing).every((count) => count === 0);
    if ((isIndexed && isPublished) || Date.now() > deadline || signal.aborted)
      return { snapshot: await afterDeadlock(() => reader.read()), missing, isIndexed };
    await setTimeout(POLL_MS);
  }
}

async function isAllFinal(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql<{ provisional: boolean }>`
    select exists (
      select from escrow.outbox o join escrow.chain_progress p on p.chain_id = o.chain_id
      where o.block_number > p.final_block) as provisional`.execute(db);
  return rows[0]?.provisional === false;
}
