import type { ComparedTable } from "../../engine/deployment/rows-at.ts";

/*
 * What two deployments that have gone on still show of how things stood at a block `c.checkpoint`
 * of each chain: the rows that nothing after that block has touched, by the events of both, as each may
 * lack some of the other's. All others are left out on both sides, and so are tables that are not named here.
 */

type Untouched = (live: string, replayed: string) => string;

/** SQL for "no event behind the block is about it", in neither of the two. */
const untouchedBy = (live: string, replayed: string, about = ""): string =>
  [live, replayed]
    .map(
      (schema) => `not exists (
        select from "${schema}".event e where e.chain_id = t.chain_id
          and e.block_number > c.checkpoint::bigint ${about})`,
    )
    .join(" and ");

const eventsOfBoth = (live: string, replayed: string): string =>
  `(select * from "${live}".event union all select * from "${replayed}".event)`;

const byBlock: Untouched = () => "t.block_number <= c.checkpoint::bigint";

const UNTOUCHED: Record<string, Untouched> = {
  event: byBlock,
  outbox: byBlock,
  approval: byBlock,
  settlement: byBlock,
  escrow: (live, replayed) => untouchedBy(live, replayed, "and e.stream = t.address"),
  party: (live, replayed) => `(t.chain_id, t.address) not in (
    select s.chain_id, p.address
    from (select * from "${live}".escrow union all select * from "${replayed}".escrow) s
    cross join lateral (values (s.payer), (s.payee), (s.arbiter)) p (address)
    where p.address is not null and (s.chain_id, s.address) in (
      select e.chain_id, e.stream from ${eventsOfBoth(live, replayed)} e join c using (chain_id)
      where e.block_number > c.checkpoint::bigint)
    union
    select e.chain_id, p.address from ${eventsOfBoth(live, replayed)} e join c using (chain_id)
    cross join lateral (values (e.payload ->> 'old_arbiter'), (e.payload ->> 'new_arbiter'))
      p (address)
    where e.block_number > c.checkpoint::bigint and p.address is not null)`,
  settlement_minute: (live, replayed) =>
    untouchedBy(live, replayed, "and e.block_timestamp - e.block_timestamp % 60 = t.minute"),
  chain_stat: (live, replayed) => untouchedBy(live, replayed),
};

/**
 * SQL for the rows of a table of `schema` that nothing has touched since the last block, a decimal
 * in relation `c` (chain_id, checkpoint).
 *
 * @returns null when the table cannot be compared that way
 */
export function rowsUpTo(
  schema: string,
  { name, columns }: ComparedTable,
  live: string,
  replayed: string,
): string | null {
  const untouched = UNTOUCHED[name];
  if (untouched === undefined) return null;
  const list = columns.map((column) => `t."${column}"`).join(", ");
  return `select ${list} from "${schema}"."${name}" t join c on c.chain_id = t.chain_id
          where ${untouched(live, replayed)}`;
}
