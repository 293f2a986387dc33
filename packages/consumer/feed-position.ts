import { type ConsumerOptions, schemaOf } from "./consumer-options.ts";
import { type Queryable, rowsOf } from "./queryable.ts";

export function feedPositionTable(schema: string): string {
  return `
    create table if not exists ${schema}.feed_position (
      consumer     text not null,
      publication  text not null,
      -- All messages of the feed up to this one are applied, parked, or dead letters.
      feed_offset  bigint not null,
      -- When its end was reached for the first time; null before that.
      caught_up_at timestamptz,
      primary key (consumer, publication)
    )`;
}

/** How far a consumer has read a feed; null before its first page. */
export type FeedPosition = { offset: number; isCaughtUp: boolean };

export async function readFeedPosition(
  db: Queryable,
  publication: string,
  options: ConsumerOptions,
): Promise<FeedPosition | null> {
  const [row] = await rowsOf<{ feed_offset: string; is_caught_up: boolean }>(
    db,
    `select feed_offset, caught_up_at is not null as is_caught_up
     from ${schemaOf(options)}.feed_position where consumer = $1 and publication = $2`,
    [options.name, publication],
  );
  return row ? { offset: Number(row.feed_offset), isCaughtUp: row.is_caught_up } : null;
}

/** Only forwards: another process of this consumer may be further. */
export async function saveFeedPosition(
  db: Queryable,
  publication: string,
  { offset, isCaughtUp }: FeedPosition,
  options: ConsumerOptions,
): Promise<void> {
  await db.query(
    `insert into ${schemaOf(options)}.feed_position as p
       (consumer, publication, feed_offset, caught_up_at)
     values ($1, $2, $3, case when $4 then now() end)
     on conflict (consumer, publication) do update set
       feed_offset = greatest(p.feed_offset, excluded.feed_offset),
       caught_up_at = coalesce(p.caught_up_at, excluded.caught_up_at)`,
    [options.name, publication, offset, isCaughtUp],
  );
}
