import type { ComparedTable } from "../../engine/deployment/rows-at.ts";

/*
 * What two deployments that have gone on still show of how things stood at a block `c.checkpoint`
 * of each chain: the rows that nothing after that block has touched, as the live one, which is further
 * on, knows. All others are left out on both sides, and so are tables that are not named here.
 */

type Untouched = (live: string, replayed: string) => string;

const behind = (live: string, alias: string): string =>
  `from "${live}".event ${alias} where ${alias}.chain_id = t.chain_id
     and ${alias}.block_number > c.checkpoint::bigint`;

const byBlock: Untouched = () => "t.block_number <= c.checkpoint::bigint";

const UNTOUCHED: Record<string, Untouched> = {
  event: byBlock,
  outbox: byBlock,
  approval: byBlock,
  settlement: byBlock,
  escrow: (live) => `not exists (select ${behind(live, "e")} and e.stream = t.address)`,
  party: (live, replayed) => `(t.chain_id, t.address) not in (
    select s.chain_id, p.address
    from (select * from "${live}".escrow union all select * from "${replayed}".escrow) s
    cross join lateral (values (s.payer), (s.payee), (s.arbiter)) p (address)
    where p.address is not null and (s.chain_id, s.address) in (
      select e.chain_id, e.stream from "${live}".event e join c using (chain_id)
      where e.block_number > c.checkpoint::bigint)
    union
    select e.chain_id, p.address from "${live}".event e join c using (chain_id)
    cross join lateral (values (e.payload ->> 'old_arbiter'), (e.payload ->> 'new_arbiter'))
      p (address)
    where e.block_number > c.checkpoint::bigint and p.address is not null)`,
  settlement_minute: (live) => `not exists (
    select ${behind(live, "e")} and e.block_timestamp - e.block_timestamp % 60 = t.minute)`,
  chain_stat: (live) => `not exists (select ${behind(live, "e")})`,
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
