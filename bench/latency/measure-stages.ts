import { query } from "../parts/start-database.ts";
import type { ChainReport } from "./chain-messages.ts";
import type { Arrival, Stack } from "./start-stack.ts";

/** Where the time of one event went, in milliseconds; each stage begins where the one before ended. */
export type Stages = {
  /** Block mined → the engine has heard of it. */
  seen: number;
  /** → the engine's commit of the event. */
  committed: number;
  /** → the relay's commit of the message in its journal. */
  captured: number;
  /** → Pub/Sub accepted it. */
  published: number;
  /** → it is in the subscriber's hands. */
  arrived: number;
};

type CommitRow = { event_id: string; committed: number; captured: number };

/**
 * Puts together what chain, PostgreSQL (commit timestamps), Pub/Sub (publish time, in whole
 * milliseconds) and subscriber noted of each event. All of them read the same machine's clock.
 *
 * @throws when an event is missing anywhere or arrived twice
 */
export async function measureStages(
  { databaseUrl, schema }: Stack,
  { blocks }: ChainReport,
  arrivals: readonly Arrival[],
): Promise<Stages[]> {
  const rows = await query<CommitRow>(
    databaseUrl,
    `select o.event_id,
            (extract(epoch from pg_xact_commit_timestamp(o.xmin)) * 1000)::float as committed,
            (extract(epoch from pg_xact_commit_timestamp(m.xmin)) * 1000)::float as captured
     from "${schema}".outbox o
     join relay.publication p on p.topic = 'chain.events.v1'
     join relay.message m on m.publication_id = p.id and m.event_id = o.event_id
     where o.event_id = any ($1::text[])`,
    [blocks.flatMap(({ eventIds }) => eventIds)],
  );
  const commits = new Map(rows.map((row) => [row.event_id, row]));
  const arrived = Map.groupBy(arrivals, ({ eventId }) => eventId);
  return blocks.flatMap(({ minedAtMs, seenAtMs, eventIds }) =>
    eventIds.map((eventId): Stages => {
      const commit = commits.get(eventId);
      const copies = arrived.get(eventId) ?? [];
      const [arrival] = copies;
      if (commit === undefined || arrival === undefined || copies.length > 1)
        throw new Error(
          `event ${eventId}: in the database ${commit !== undefined}, arrived ${copies.length} times`,
        );
      return {
        seen: seenAtMs - minedAtMs,
        committed: commit.committed - seenAtMs,
        captured: commit.captured - commit.committed,
        published: arrival.publishedAtMs - commit.captured,
        arrived: arrival.arrivedAtMs - arrival.publishedAtMs,
      };
    }),
  );
}
