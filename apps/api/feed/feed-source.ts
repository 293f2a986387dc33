import type pg from "pg";
import type { EventLog } from "../../../config/event-log.ts";
import { isConnectionLost, MAX_LOST } from "../read/connection-lost.ts";
import type { DatabaseWatch } from "../read/database-watch.ts";
import type { FeedBounds, FeedRow } from "./feed-row.ts";

/** Messages in order, and whether the page ends because it is full. */
export type FeedPage = { rows: FeedRow[]; isFull: boolean };

type FeedSourceOptions = { pool: pg.Pool; watch: DatabaseWatch; log: EventLog };

/** So much text a page has at most, in bytes; but always one message. */
const PAGE_BYTES = 1_000_000;
const MAX_PUBLICATIONS = 1_000;
/** So long a look at the publications is shared, in milliseconds. */
const SHARED_MS = 200;

const BOUNDS_SQL = `
  select publication_id, topic, finality, first_offset, coalesce(last_offset, 0) as last_offset,
         coalesce(numbered_to, 0) as numbered_to
  from relay.feed_publication order by topic limit ${MAX_PUBLICATIONS}`;

/**
 * Looks at no more rows than the page has: there are no gaps, so its end is known before, and tables
 * that nobody has analyzed yet cause no other plan. The journal's index needs the id, not the topic.
 */
const PAGE_SQL = `
  select * from (
    select page.*, sum(octet_length(body)) over (order by feed_offset) as bytes,
           count(*) over () as found
    from (
      select feed_offset, message_id, event_id, kind, ordering_key, sequence, chain_id, body,
             attributes, captured_at, accepted
      from relay.feed
      where publication_id = $1 and feed_offset > $2 and feed_offset <= $2::bigint + $3::bigint
      order by feed_offset limit $3
    ) page
  ) summed
  where bytes <= ${PAGE_BYTES} or feed_offset = $2 + 1
  order by feed_offset`;

const RETRACTED_SQL = `
  select event_id, body from relay.feed
  where publication_id = $1 and kind = 'event' and event_id = any($2)`;

/**
 * Reads the two views of the journal that readers may read. Not in a snapshot of the index: the
 * journal is never reverted, and goes on while the engine does not.
 */
export class FeedSource {
  readonly #pool: pg.Pool;
  readonly #watch: DatabaseWatch;
  readonly #log: EventLog;
  readonly #holes = new Set<string>();
  #look: { sinceMs: number; found: Promise<FeedBounds[]> } | null = null;

  constructor({ pool, watch, log }: FeedSourceOptions) {
    this.#pool = pool;
    this.#watch = watch;
    this.#log = log;
  }

  /**
   * Every publication, by name. Who asks within a moment shares the answer.
   *
   * @param isNow whether the look may not have begun before this call
   */
  async publications(isNow = false): Promise<FeedBounds[]> {
    const nowMs = performance.now();
    const look = this.#look;
    if (!isNow && look !== null && nowMs - look.sinceMs < SHARED_MS) return await look.found;
    const found = this.#ask<FeedBounds>(BOUNDS_SQL, []);
    this.#look = { sinceMs: nowMs, found };
    return await found;
  }

  /** @returns undefined when there is no such publication */
  async bounds(topic: string, isNow = false): Promise<FeedBounds | undefined> {
    return (await this.publications(isNow)).find((each) => each.topic === topic);
  }

  /**
   * The messages behind an offset, in order and without a gap: what stands behind a hole, which
   * nobody knows of, is not there.
   *
   * @param limit so many at most; fewer when they are long
   */
  async page(
    { publication_id: id, topic }: FeedBounds,
    { after, limit }: { after: number; limit: number },
  ): Promise<FeedPage> {
    const rows = await this.#ask<FeedRow & { found: number }>(PAGE_SQL, [id, after, limit]);
    const found = rows[0]?.found ?? 0;
    const hole = rows.findIndex(({ feed_offset }, at) => feed_offset !== after + 1 + at);
    if (hole === -1) return { rows, isFull: found === limit || rows.length < found };
    if (!this.#holes.has(topic))
      this.#log.error(
        { event: "api.feed-hole", publication: topic, offset: after + 1 + hole },
        `The feed of ${topic} lacks offset ${after + 1 + hole}: nothing behind it is served.`,
      );
    this.#holes.add(topic);
    return { rows: rows.slice(0, hole), isFull: false };
  }

  /** The bodies of events, by their ids. */
  async bodies(
    { publication_id: id }: FeedBounds,
    eventIds: readonly string[],
  ): Promise<Map<string, string>> {
    type Row = { event_id: string; body: string };
    const rows = await this.#ask<Row>(RETRACTED_SQL, [id, eventIds]);
    return new Map(rows.map(({ event_id, body }) => [event_id, body]));
  }

  async #ask<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    for (let lost = 0; ; lost += 1) {
      this.#watch.refuseIfAway();
      try {
        return (await this.#pool.query<Row>(text, values)).rows;
      } catch (error) {
        if (lost >= MAX_LOST || !isConnectionLost(error)) throw error;
      }
    }
  }
}
