import type { Queryable } from "../../db/queryable.ts";
import { CACHE_SCHEMA, CACHED_BY_BLOCK } from "./cache-tables.ts";

/** Rows that one statement deletes, or looks at to find those that it deletes. */
const PIECE = 5_000;

/**
 * Has the engine ask again for everything of a chain from a block on: first those blocks are no
 * longer marked as asked for, in every fragment of the chain; then what was cached of them is
 * deleted, because the engine keeps a row that is there already.
 *
 * No engine may run on the cache (`cache-lock.ts`): it would mark blocks as asked for whose rows are
 * deleted here. Done in pieces; after a crash it has to be done again, from its beginning.
 */
export async function trimCache(db: Queryable, chainId: number, fromBlock: number): Promise<void> {
  // A range that begins where this one ends would be left as an empty one.
  await db.query(
    `update ${CACHE_SCHEMA}.intervals i
     set blocks = coalesce(
       (select range_agg(r * numrange(null, $2::numeric, '[]')) from unnest(i.blocks) r
        where lower(r) < $2::numeric), '{}')
     where chain_id = $1`,
    [chainId, fromBlock],
  );
  for (const [table, column] of Object.entries(CACHED_BY_BLOCK)) {
    const one = `${CACHE_SCHEMA}.${table}`;
    await inPieces(
      db,
      `delete from ${one} where ctid = any (array(
         select ctid from ${one} where chain_id = $1 and ${column} >= $2
         order by ${column} limit ${PIECE}))`,
      [chainId, fromBlock],
    );
  }
  await trimChildren(db, chainId, fromBlock);
}

async function inPieces(db: Queryable, statement: string, values: unknown[]): Promise<void> {
  for (;;) {
    const { rowCount } = await db.query(statement, values);
    if (rowCount === 0) return;
  }
}

/** There is no index by block here, so the table is read once, by its key. */
async function trimChildren(db: Queryable, chainId: number, fromBlock: number): Promise<void> {
  const table = `${CACHE_SCHEMA}.factory_addresses`;
  let after = 0;
  for (;;) {
    const { rows } = await db.query<{ last: number | null }>(
      `with piece as (
         select id, chain_id, block_number from ${table} where id > $3 order by id limit ${PIECE}),
       deleted as (
         delete from ${table} where id in (
           select id from piece where chain_id = $1 and block_number >= $2))
       select max(id) as last from piece`,
      [chainId, fromBlock, after],
    );
    const last = rows[0]?.last ?? null;
    if (last === null) return;
    after = last;
  }
}
