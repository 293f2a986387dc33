import type { Queryable } from "../../db/queryable.ts";

/** What a deployment takes of the database, in words. */
export async function sizeOfDeployment(db: Queryable, schema: string): Promise<string> {
  const { rows } = await db.query(
    `select pg_size_pretty(sum(pg_total_relation_size(c.oid))) as size
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'r'`,
    [schema],
  );
  return rows[0]?.size ?? "nothing";
}
