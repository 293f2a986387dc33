import { type RawBuilder, sql } from "kysely";

/** SQL for the partition of an ordering key. */
export function partitionOf(
  publicationId: number,
  orderingKey: RawBuilder<unknown>,
): RawBuilder<number> {
  return sql`(${hashOf(orderingKey)} %
    (select partitions from relay.publication where id = ${publicationId}))::smallint`;
}

/** SQL for a number from an ordering key. md5 is stable across versions. */
export function hashOf(orderingKey: RawBuilder<unknown>): RawBuilder<number> {
  return sql`('x' || substr(md5(${orderingKey}), 1, 8))::bit(32)::bigint`;
}
