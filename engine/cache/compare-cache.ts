import type { Queryable } from "../../db/queryable.ts";
import { EVENT_CATALOGUE, EVENT_TYPES, REVISIONS } from "../../src/events/event-catalogue.ts";
import { CACHE_SCHEMA } from "./cache-tables.ts";
import type { FollowedFactory } from "./followed-factory.ts";

/** Rows that one statement looks at. */
const PIECE = 5_000;

export type CacheComparison = {
  /** Cached logs of followed contracts that are no events of the event store. */
  missing: number;
  /** Events whose log is not cached. */
  extra: number;
  /** The first block of them. */
  firstBlock: number | null;
};

export type ComparedCache = {
  chainId: number;
  factories: readonly FollowedFactory[];
  /** Schema of the event store. */
  schema: string;
  fromBlock: number;
  throughBlock: number;
};

type Piece = {
  looked: number;
  block: string;
  log: number;
  count: number;
  first: string | null;
};

/** SQL for pairs of a revision and a topic of what the emitter logs in it. */
function topicsSql(emitter: "factory" | "escrow"): string {
  const types = EVENT_TYPES.filter((type) => EVENT_CATALOGUE[type].emitter === emitter);
  const pairs = types.flatMap((type) =>
    REVISIONS.map((each) => `('${each}', '${EVENT_CATALOGUE[type].revisions[each].topic0}')`),
  );
  return `(values ${pairs.join(", ")})`;
}

/** Whether a cached log `p` is of a contract that is followed. */
const IS_OURS = `
  exists (
    select from followed f
    where f.address = p.address and p.block_number >= f.from_block
      and (f.revision, p.topic0) in ${topicsSql("factory")})
  or exists (
    select from ${CACHE_SCHEMA}.factory_addresses c join followed f on f.factory_id = c.factory_id
    where c.chain_id = $1 and c.address = p.address and c.block_number <= p.block_number
      and (f.revision, p.topic0) in ${topicsSql("escrow")})`;

const FOLLOWED = `
  select f.revision, f.address, f.from_block, k.id as factory_id
  from jsonb_to_recordset($5::jsonb)
    as f (revision text, address text, factory jsonb, from_block bigint)
  left join ${CACHE_SCHEMA}.factories k on k.factory = f.factory`;

/**
 * A page of a relation in the order of blocks and logs, and what of it is not where it should be. That
 * is looked up row by row, as a count: as `not exists`, the planner joins each page with the whole
 * other table.
 */
function pageSql(rows: string, isWrong: string): string {
  return `
    with followed as (${FOLLOWED}),
    piece as materialized (
      ${rows} and (block_number, log_index) > ($2::bigint, $3::integer)
        and block_number <= $4::bigint
      order by block_number, log_index limit ${PIECE}),
    wrong as materialized (select p.block_number from piece p where ${isWrong})
    select (select count(*)::int from piece) as looked, p.block_number as block, p.log_index as log,
           (select count(*)::int from wrong) as count,
           (select min(block_number) from wrong) as first
    from piece p order by p.block_number desc, p.log_index desc limit 1`;
}

/**
 * Compares what the cache has of the followed contracts with the event store, in both directions, by
 * block and log index. Both must be at rest in these blocks: cached, and final.
 *
 * Reads in pieces, by indexes.
 */
export async function compareCache(db: Queryable, of: ComparedCache): Promise<CacheComparison> {
  const { schema } = of;
  const missing = await pages(
    db,
    of,
    pageSql(
      `select block_number, log_index, block_hash, address, topic0
       from ${CACHE_SCHEMA}.logs where chain_id = $1`,
      `(${IS_OURS}) and 0 = (
         select count(*) from "${schema}".event e
         where e.chain_id = $1 and e.id = $1::bigint || '-' || p.block_hash || '-' || p.log_index)`,
    ),
  );
  const found = [missing];
  for (const type of EVENT_TYPES)
    found.push(
      await pages(
        db,
        of,
        pageSql(
          `select block_number, log_index, block_hash
           from "${schema}".event where chain_id = $1 and type = '${type}'`,
          `0 = (
             select count(*) from ${CACHE_SCHEMA}.logs l
             where l.chain_id = $1 and l.block_number = p.block_number
               and l.log_index = p.log_index and l.block_hash = p.block_hash)`,
        ),
      ),
    );
  const firsts = found.flatMap(({ first }) => (first === null ? [] : [first]));
  return {
    missing: missing.count,
    extra: found.slice(1).reduce((sum, { count }) => sum + count, 0),
    firstBlock: firsts.length === 0 ? null : Math.min(...firsts),
  };
}

async function pages(
  db: Queryable,
  { chainId, factories, fromBlock, throughBlock }: ComparedCache,
  statement: string,
): Promise<{ count: number; first: number | null }> {
  const followed = JSON.stringify(
    factories.map(({ fromBlock: first, ...each }) => ({ ...each, from_block: first })),
  );
  let count = 0;
  let first: number | null = null;
  let [block, log] = [String(fromBlock - 1), 2_147_483_647];
  for (;;) {
    const { rows } = await db.query<Piece>(statement, [
      chainId,
      block,
      log,
      throughBlock,
      followed,
    ]);
    const [piece] = rows;
    if (piece === undefined) return { count, first };
    count += piece.count;
    if (piece.first !== null) first ??= Number(piece.first);
    if (piece.looked < PIECE) return { count, first };
    [block, log] = [piece.block, piece.log];
  }
}

/**
 * The last block up to which the cache has everything of the followed factories from a block on; null
 * while it has not that block itself.
 */
export async function cachedThrough(
  db: Queryable,
  factories: readonly FollowedFactory[],
  fromBlock: number,
): Promise<number | null> {
  const { rows } = await db.query(
    `select min(coalesce(
       (select max(upper(r)) - 1 from ${CACHE_SCHEMA}.intervals i, unnest(i.blocks) r
        where i.fragment_id = f.fragment
          and r @> greatest(f."fromBlock", $2::bigint)::numeric
          and upper(r) > greatest(f."fromBlock", $2::bigint)), -1)) as through
     from jsonb_to_recordset($1::jsonb) as f (fragment text, "fromBlock" bigint)`,
    [JSON.stringify(factories), fromBlock],
  );
  const through = Number(rows[0]?.through ?? -1);
  return through < 0 ? null : through;
}
