import type { Kysely } from "kysely";
import type { FinalGate } from "../../engine/final-gate.ts";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import { capture } from "../../packages/relay/capture/capture.ts";
import type { PublicationConfig } from "../../packages/relay/journal/publication.ts";
import { publicationWithLeases, readJournal } from "./relay-world.ts";

/**
 * Registers a publication.
 *
 * @returns takes a look at every line, as a relay's round does, with so many rows at the most; and
 *   gives the ids of the events that the journal has then, key by key, in the order of each
 */
export async function relayLook(
  db: Kysely<unknown>,
  config: PublicationConfig,
  gate: FinalGate,
): Promise<(limit?: number) => Promise<string[]>> {
  const source = ponderOutbox({ gate });
  const { publication, leases } = await publicationWithLeases(db, config);
  const leader = leases.leader(publication);
  if (leader === null) throw new Error("the leadership was not taken");
  const { instance } = leases;
  return async (limit = 100) => {
    for (const line of await source.readLines(db))
      await capture(db, { source, publication, line, instance, leader, limit });
    return (await readJournal(db, publication)).map(([, , eventId]) => eventId);
  };
}
