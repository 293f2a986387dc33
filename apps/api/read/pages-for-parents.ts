import { type QueryExecutorProvider, type RawBuilder, sql } from "kysely";
import { keysSql, type ParentKey } from "./keys-sql.ts";
import { type Page, type PageQuery, planPage } from "./page.ts";
import { countSql } from "./page-sql.ts";

/**
 * Reads the same page for each of several parents in one statement. The query's conditions name the
 * parent as `parent.chain_id` and `parent.name`.
 *
 * @returns a page for each parent, in their order
 */
export async function pagesForParents<Row>(
  db: QueryExecutorProvider,
  query: PageQuery<Row>,
  parents: readonly ParentKey[],
): Promise<Page<Row>[]> {
  const plan = planPage(query);
  const { rows } = await forEachParent<Row & { parent_at: number }>(
    parents,
    plan.statement,
  ).execute(db);
  const found = parents.map((): Row[] => []);
  for (const row of rows) found[row.parent_at - 1]?.push(row);
  return found.map(plan.page);
}

/** Counts for each of several parents what all its pages have. */
export async function countForParents<Row>(
  db: QueryExecutorProvider,
  query: PageQuery<Row>,
  parents: readonly ParentKey[],
): Promise<number[]> {
  const { rows } = await forEachParent<{ parent_at: number; count: number }>(
    parents,
    countSql(query),
  ).execute(db);
  const counts = parents.map(() => 0);
  for (const { parent_at, count } of rows) counts[parent_at - 1] = count;
  return counts;
}

function forEachParent<T>(
  parents: readonly ParentKey[],
  statement: RawBuilder<unknown>,
): RawBuilder<T> {
  return sql<T>`
    select parent.at as parent_at, found.*
    from ${keysSql(parents)} as parent(chain_id, name, at)
    cross join lateral (${statement}) as found`;
}
