import type { Queryable } from "../../db/queryable.ts";
import { ANNOUNCEMENT_TOPICS_SQL, CACHE_SCHEMA, revisionSql } from "./cache-tables.ts";
import type { FollowedFactory } from "./followed-factory.ts";

/** Announcements that one statement looks at. */
const PIECE = 5_000;

/** Escrows that were announced in blocks that the cache has, and that it does not know. */
export type ForgottenEscrows = { count: number; firstBlock: number };

type Piece = {
  looked: number;
  block: string | null;
  log: number | null;
  count: number;
  first: string | null;
};

/**
 * Announcements of escrows from a place on, as the event store in a schema has them, or without one
 * as the cached logs of the factories do.
 */
function announcedSql(schema: string | null): string {
  const place = "(block_number, log_index) > ($2::bigint, $3::integer)";
  return schema === null
    ? `select block_number, log_index, '0x' || substr(topic1, 27) as escrow, address as emitter,
              ${revisionSql("topic0")} as revision
       from ${CACHE_SCHEMA}.logs
       where chain_id = $1 and topic0 in (${ANNOUNCEMENT_TOPICS_SQL}) and ${place}
       order by block_number, log_index limit ${PIECE}`
    : `select block_number, log_index, stream as escrow, emitter, revision
       from "${schema}".event
       where chain_id = $1 and type = 'EscrowDeployed' and ${place}
       order by block_number, log_index limit ${PIECE}`;
}

/**
 * Finds the escrows that the cache has forgotten: their announcements are in the event store, or in
 * the cache itself, and their blocks count as asked for, but they are not among the factory's
 * children. An engine that starts on such a cache never indexes another event of them, and one that
 * indexes from it never any.
 *
 * Reads in pieces, by indexes.
 *
 * @param schema of the event store; null for the logs that the cache holds
 * @returns null when there are none
 */
export async function findForgotten(
  db: Queryable,
  chainId: number,
  factories: readonly FollowedFactory[],
  schema: string | null,
): Promise<ForgottenEscrows | null> {
  const followed = JSON.stringify(factories);
  let count = 0;
  let firstBlock: number | null = null;
  let [block, log] = ["-1", -1];
  for (;;) {
    const { rows } = await db.query<Piece>(
      `with announced as (${announcedSql(schema)}),
       followed as (
         select f.revision, f.address, k.id as factory_id, i.blocks
         from jsonb_to_recordset($4::jsonb)
           as f (revision text, address text, factory jsonb, fragment text)
         join ${CACHE_SCHEMA}.intervals i on i.fragment_id = f.fragment
         left join ${CACHE_SCHEMA}.factories k on k.factory = f.factory),
       forgotten as (
         select a.block_number
         from announced a
         join followed f on f.revision = a.revision and f.address = a.emitter
         where f.blocks @> numrange(a.block_number, a.block_number + 1, '[]')
           and not exists (
             select from ${CACHE_SCHEMA}.factory_addresses c
             where c.chain_id = $1 and c.address = a.escrow and c.factory_id = f.factory_id
               and c.block_number <= a.block_number))
       select (select count(*)::int from announced) as looked, last.block_number as block,
              last.log_index as log, (select count(*)::int from forgotten) as count,
              (select min(block_number) from forgotten) as first
       from (select 1) one
       left join (select * from announced order by block_number desc, log_index desc limit 1) last
         on true`,
      [chainId, block, log, followed],
    );
    const [piece] = rows;
    count += piece?.count ?? 0;
    if (piece?.first) firstBlock ??= Number(piece.first);
    if (piece === undefined || piece.looked < PIECE)
      return firstBlock === null ? null : { count, firstBlock };
    [block, log] = [piece.block ?? "", piece.log ?? 0];
  }
}
