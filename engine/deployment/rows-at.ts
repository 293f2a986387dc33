import { REORG_OPERATION, reorgTable } from "../private-tables.ts";

/** A table of a deployment: columns in their order, key columns first named. */
export type ComparedTable = { name: string; columns: string[]; key: string[] };

/**
 * SQL for the rows of a table as they were at a checkpoint of each chain, in a relation `c`
 * (chain_id, checkpoint) that the query has. The engine keeps what it would need to revert every
 * block that is not final (ponder 0.17, `src/database/actions.ts`): the row before each change, with
 * the block's checkpoint, in `reorgTable`. What a row was at a checkpoint is the "before" of its
 * first change behind it; there was none if that change inserted it.
 *
 * The checkpoint must not lie before the deployment's final one.
 */
export function rowsAt(schema: string, { name, columns, key }: ComparedTable): string {
  const list = (prefix: string) => columns.map((column) => `${prefix}."${column}"`).join(", ");
  const keys = (prefix: string) => key.map((column) => `${prefix}."${column}"`).join(", ");
  const matches = key.map((column) => `f."${column}" = t."${column}"`).join(" and ");
  const changedAfter = `
    select distinct on (${keys("g")}) g.*
    from "${schema}"."${reorgTable(name)}" g join c on c.chain_id = g.chain_id
    where g.checkpoint > c.checkpoint
    order by ${keys("g")}, g.operation_id`;
  return `
    select ${list("t")} from "${schema}"."${name}" t join c on c.chain_id = t.chain_id
    where not exists (select from (${changedAfter}) f where ${matches})
    union all
    select ${list("f")} from (${changedAfter}) f where f.operation <> ${REORG_OPERATION.insert}`;
}
