import { type Kysely, sql } from "kysely";

/*
 * The feed: each publication's messages in one gapless order, 1, 2, 3 …, given when a message is
 * captured. Relays of before go on beside this one and alone: a trigger numbers what any of them
 * writes, so none has to know of it. Numbers stand in a table of their own, because rows of
 * `message` never change.
 *
 * Locks: writers of `message`, while the messages so far are counted out of `ordering_key`; nothing
 * else, so that no relay at work can deadlock with it.
 */
/** @public called by the migrator */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Whoever waits for a lock keeps those behind it waiting: the caller tries again instead.
  await sql`set local lock_timeout = '2s'`.execute(db);
  await sql`
    create table relay.feed_counter (
      publication_id smallint primary key,
      -- The last offset that was given. The row stays locked until the messages are committed, so
      -- that whoever sees an offset sees all before it.
      last_offset    bigint not null
    )`.execute(db);
  await sql`
    create table relay.feed_entry (
      publication_id smallint not null,
      feed_offset    bigint not null,
      ordering_key   text not null,
      sequence       bigint not null,
      primary key (publication_id, feed_offset),
      unique (publication_id, ordering_key, sequence)
    )`.execute(db);
  await sql`
    create table relay.feed_history (
      -- Publications that have messages of before the feed: 1 … history_to are theirs, and are given
      -- in pieces. A row is removed when all of them are.
      publication_id smallint primary key,
      history_to     bigint not null,
      -- Offsets 1 … filled_to are given.
      filled_to      bigint not null default 0,
      -- In the order of these three, everything before has its offset.
      captured_at    timestamptz not null default '-infinity',
      ordering_key   text not null default '',
      sequence       bigint not null default 0
    )`.execute(db);
  await numberNewMessages(db);
  await views(db);
}

/** Also what is written by relays that know nothing of it. */
async function numberNewMessages(db: Kysely<unknown>): Promise<void> {
  await sql`lock table relay.message in share row exclusive mode`.execute(db);
  // Sequences have no gaps, so the last of each key count the messages.
  await sql`
    insert into relay.feed_history (publication_id, history_to)
    select publication_id, sum(last_sequence) from relay.ordering_key
    group by publication_id having sum(last_sequence) > 0`.execute(db);
  await sql`
    insert into relay.feed_counter (publication_id, last_offset)
    select publication_id, history_to from relay.feed_history`.execute(db);
  // In the order in which they were written, but within a key always by sequence.
  await sql`
    create function relay.number_messages() returns trigger language plpgsql as $$
    declare
      part record;
      upto bigint;
    begin
      for part in
        select publication_id as id, count(*) as added from written group by 1 order by 1
      loop
        insert into relay.feed_counter as c (publication_id, last_offset)
        values (part.id, part.added)
        on conflict (publication_id) do update set last_offset = c.last_offset + excluded.last_offset
        returning c.last_offset into upto;
        insert into relay.feed_entry (publication_id, feed_offset, ordering_key, sequence)
        select part.id, upto - part.added + row_number() over (order by t.turn, t.sequence),
               t.ordering_key, t.sequence
        from (
          select w.ordering_key, w.sequence,
                 max(w.nth) over (partition by w.ordering_key order by w.sequence) as turn
          from (select ordering_key, sequence, row_number() over () as nth
                from written where publication_id = part.id) w
        ) t;
      end loop;
      return null;
    end $$`.execute(db);
  await sql`
    create trigger number_messages after insert on relay.message
      referencing new table as written
      for each statement execute function relay.number_messages()`.execute(db);
}

/** What readers of the feed see, and all that they see. */
async function views(db: Kysely<unknown>): Promise<void> {
  await sql`
    create view relay.feed_publication as
    select p.id as publication_id, p.topic, p.finality,
           coalesce((select e.feed_offset from relay.feed_entry e
                     where e.publication_id = p.id
                       and e.feed_offset <= coalesce(h.filled_to, c.last_offset, 0)
                     order by e.feed_offset limit 1),
                    coalesce(h.filled_to, c.last_offset, 0) + 1) as first_offset,
           coalesce(c.last_offset, 0) as last_offset,
           coalesce(h.filled_to, c.last_offset, 0) as numbered_to
    from relay.publication p
    left join relay.feed_counter c on c.publication_id = p.id
    left join relay.feed_history h on h.publication_id = p.id`.execute(db);
  // The attributes are those of messageAttributes (@escrow-stream/messages), in SQL.
  await sql`
    create view relay.feed as
    select e.publication_id, p.topic, e.feed_offset, i.message_id, m.event_id, m.kind,
           m.ordering_key, m.sequence, m.incarnation, m.chain_id, m.block_number, m.block_hash,
           m.body,
           m.source_attributes
             || case when m.kind = 'retraction' or m.incarnation = 1
                     then jsonb_build_object('event_id', i.message_id)
                     else jsonb_build_object('event_id', i.message_id, 'ce-id', i.message_id,
                                             'incarnation', m.incarnation::text) end
             || jsonb_build_object('sequence', m.sequence::text, 'publication', p.topic, 'finality',
                  case p.finality when 'finalized' then 'final' else 'provisional' end)
             as attributes,
           m.captured_at, k.published_sequence >= m.sequence as accepted
    from relay.feed_entry e
    join relay.publication p on p.id = e.publication_id
    join relay.feed_counter c on c.publication_id = e.publication_id
    left join relay.feed_history h on h.publication_id = e.publication_id
    join relay.message m
      on m.publication_id = e.publication_id and m.ordering_key = e.ordering_key
         and m.sequence = e.sequence
    join relay.ordering_key k
      on k.publication_id = e.publication_id and k.ordering_key = e.ordering_key
    cross join lateral (
      select case when m.kind = 'retraction' then 'retraction-' || m.incarnation || '-' || m.event_id
                  when m.incarnation = 1 then m.event_id
                  else m.event_id || '#' || m.incarnation end as message_id
    ) i
    where e.feed_offset <= coalesce(h.filled_to, c.last_offset)`.execute(db);
  for (const [relation, text] of COMMENTS)
    await sql`comment on ${sql.raw(relation)} is ${sql.lit(text)}`.execute(db);
}

const COMMENTS = [
  ["view relay.feed_publication", "The feeds, and how far each may be read"],
  ["column relay.feed_publication.first_offset", "The first offset that is kept"],
  ["column relay.feed_publication.last_offset", "The last offset that was given"],
  [
    "column relay.feed_publication.numbered_to",
    "The last offset to read: less than last_offset while messages of before the feed get theirs",
  ],
  [
    "view relay.feed",
    "Messages in the order of their offsets, without gaps. Ask by publication_id and feed_offset",
  ],
  ["column relay.feed.feed_offset", "1, 2, 3 … of the publication, in the order of commits"],
  ["column relay.feed.body", "The bytes of the message, UTF-8"],
  ["column relay.feed.attributes", "The attributes that the message is sent with"],
  ["column relay.feed.accepted", "Whether Pub/Sub is known to have accepted it"],
] as const;
