import type { Queryable } from "../../db/queryable.ts";
import { WITNESS_SCHEMA } from "../witness-tables.ts";
import { ANNOUNCEMENT_TOPICS_SQL, CACHE_SCHEMA, revisionSql } from "./cache-tables.ts";
import type { FollowedFactory } from "./followed-factory.ts";

/** Announcements that one statement looks at. */
const PIECE = 5_000;

/** Escrows that were announced in blocks that the cache has, and that it does not know. */
export type ForgottenEscrows = { count: number; firstBlock: number };

/** Who knows which escrows were announced: rows in an order, from `$2` (a JSON array) on. */
export type Announcements = { rowsSql: string; start: unknown[] };

type Piece = { looked: number; last: unknown[] | null; count: number; first: string | null };

const AFTER_LOG = "(block_number, log_index) > (($2::jsonb ->> 0)::bigint, ($2::jsonb ->> 1)::int)";
const BY_LOG = `jsonb_build_array(block_number, log_index) as place`;

/** As the cached logs of the factories have them. */
export const CACHED_ANNOUNCEMENTS: Announcements = {
  start: [-1, -1],
  rowsSql: `
    select block_number, '0x' || substr(topic1, 27) as escrow, address as emitter,
           ${revisionSql("topic0")} as revision, ${BY_LOG}
    from ${CACHE_SCHEMA}.logs
    where chain_id = $1 and topic0 in (${ANNOUNCEMENT_TOPICS_SQL}) and ${AFTER_LOG}
    order by block_number, log_index`,
};

/** As the event store in a schema has them. */
export function storedAnnouncements(schema: string): Announcements {
  return {
    start: [-1, -1],
    rowsSql: `
      select block_number, stream as escrow, emitter, revision, ${BY_LOG}
      from "${schema}".event
      where chain_id = $1 and type = 'EscrowDeployed' and ${AFTER_LOG}
      order by block_number, log_index`,
  };
}

/**
 * As the witness has proven them.
 *
 * @param scope in which; of hexadecimal digits
 */
export function provenAnnouncements(scope: string): Announcements {
  return {
    start: [""],
    rowsSql: `
      select block_number, escrow, null as emitter, revision, jsonb_build_array(escrow) as place
      from ${WITNESS_SCHEMA}.child
      where chain_id = $1 and scope = '${scope}' and is_proven and escrow > ($2::jsonb ->> 0)
      order by escrow`,
  };
}

/**
 * Finds the escrows that the cache has forgotten: they were announced, and the blocks of that count as
 * asked for, but they are not among the factory's children. An engine that starts on such a cache
 * never indexes another event of them, and one that indexes from it never any.
 *
 * Reads in pieces, by indexes.
 *
 * @returns null when there are none
 */
export async function findForgotten(
  db: Queryable,
  chainId: number,
  factories: readonly FollowedFactory[],
  { rowsSql, start }: Announcements,
): Promise<ForgottenEscrows | null> {
  const firsts: number[] = [];
  let count = 0;
  let place = start;
  for (;;) {
    const { rows } = await db.query<Piece>(
      `with announced as materialized (
         select *, row_number() over () as nth from (${rowsSql} limit ${PIECE}) piece),
       followed as (
         select f.revision, f.address, k.id as factory_id, i.blocks
         from jsonb_to_recordset($3::jsonb)
           as f (revision text, address text, factory jsonb, fragment text)
         join ${CACHE_SCHEMA}.intervals i on i.fragment_id = f.fragment
         left join ${CACHE_SCHEMA}.factories k on k.factory = f.factory),
       forgotten as (
         select a.block_number
         from announced a
         where exists (
           select from followed f
           where f.revision = a.revision and (f.address = a.emitter or a.emitter is null)
             and f.blocks @> numrange(a.block_number, a.block_number + 1, '[]')
             and not exists (
               select from ${CACHE_SCHEMA}.factory_addresses c
               where c.chain_id = $1 and c.address = a.escrow and c.factory_id = f.factory_id
                 and c.block_number <= a.block_number)))
       select (select count(*)::int from announced) as looked,
              (select place from announced order by nth desc limit 1) as last,
              (select count(*)::int from forgotten) as count,
              (select min(block_number) from forgotten) as first`,
      [chainId, JSON.stringify(place), JSON.stringify(factories)],
    );
    const [piece] = rows;
    count += piece?.count ?? 0;
    if (piece?.first) firsts.push(Number(piece.first));
    if (piece === undefined || piece.last === null || piece.looked < PIECE)
      return count === 0 ? null : { count, firstBlock: Math.min(...firsts) };
    place = piece.last;
  }
}
