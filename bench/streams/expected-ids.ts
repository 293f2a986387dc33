import { query } from "../parts/start-database.ts";

/** A message of the feed as the database has it, with what filters look at. */
export type FeedFacts = {
  offset: number;
  type: string;
  retracts_type: string | null;
  escrow: string;
  parties: string[];
};

/** Reads the whole feed of a topic, by SQL of its own: retractions have the parties of their event. */
export async function readFacts(databaseUrl: string, topic: string): Promise<FeedFacts[]> {
  const rows = await query<FeedFacts & { offset: string }>(
    databaseUrl,
    `select f.feed_offset as offset, f.body::json ->> 'event_type' as type,
            f.body::json ->> 'retracts_type' as retracts_type,
            f.body::json ->> 'escrow_address' as escrow,
            array_remove(array[e.b ->> 'payer', e.b ->> 'payee', e.b ->> 'arbiter',
              e.b ->> 'approver', e.b ->> 'old_arbiter', e.b ->> 'new_arbiter'], null) as parties
     from relay.feed f
     cross join lateral (
       select m.body::json as b from relay.message m
       where m.publication_id = f.publication_id and m.event_id = f.event_id and m.kind = 'event'
       limit 1
     ) e
     where f.topic = $1 order by f.feed_offset`,
    [topic],
  );
  return rows.map((row) => ({ ...row, offset: Number(row.offset) }));
}

/** The offsets that a client with this query of its path has to get. */
export function expectedIds(facts: readonly FeedFacts[], path: string): number[] {
  const { searchParams: asked } = new URL(path, "http://localhost");
  const [after, escrow, party] = ["after", "escrow", "party"].map((name) => asked.get(name));
  const types = asked.get("type")?.split(",");
  return facts
    .filter(
      (each) =>
        each.offset > Number(after ?? 0) &&
        (!escrow || each.escrow === escrow) &&
        (!party || each.parties.includes(party)) &&
        (types === undefined ||
          [each.type, each.retracts_type].some((type) => types.includes(type ?? ""))),
    )
    .map(({ offset }) => offset);
}
