import { type RawBuilder, sql } from "kysely";
import { LEADER, type Lease } from "./lease-keeper.ts";

/**
 * SQL for the partitions, of those that work was claimed in, that this instance still owns in the
 * same epoch. Every write of bookkeeping is joined with it: whoever lost a lease records nothing.
 *
 * A takeover that commits between this reading and the write is harmless: the write then counts as
 * one before the takeover. The key's own row lock orders the two, and a new owner touches nothing
 * that is in doubt.
 */
export function ownedPartitions(
  publicationId: number,
  instance: string,
  leases: readonly Lease[],
): RawBuilder<unknown> {
  return sql`(
    select l.partition
    from unnest(${leases.map(({ partition }) => partition)}::smallint[],
                ${leases.map(({ epoch }) => epoch)}::bigint[]) as claimed (partition, epoch)
    join relay.lease l
      on l.publication_id = ${publicationId} and l.partition = claimed.partition
         and l.epoch = claimed.epoch and l.owner = ${instance}
    where l.partition <> ${LEADER})`;
}

/** SQL for "this instance still is the leader, in this epoch". */
export function isLeader(instance: string, leader: Lease): RawBuilder<boolean> {
  return sql`exists (
    select from relay.lease
    where publication_id = ${leader.publicationId} and partition = ${LEADER}
      and owner = ${instance} and epoch = ${leader.epoch})`;
}
