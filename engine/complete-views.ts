import type pg from "pg";
import { VIEWS_SCHEMA } from "./build-schema.ts";

const LOCK_NOT_AVAILABLE = "55P03";

/**
 * Adds to the stable views what tables of a new deployment have and theirs, of an older build, have
 * not: columns of nulls. Whoever reads by the new build's schema can so read the old rows, until the
 * views are swapped. Waits for nobody longer than a second: a view is locked for as long as a
 * statement takes.
 *
 * @param schema the deployment that is being indexed; its tables are there
 */
export async function completeViews(client: pg.Client, schema: string): Promise<void> {
  const { rows } = await client.query<{ view: string; definition: string; columns: string }>(
    `select v.relname as view, pg_get_viewdef(v.oid) as definition,
            string_agg(format(', null::%s as %I', format_type(a.atttypid, a.atttypmod), a.attname),
                       '' order by a.attnum) as columns
     from pg_class v
     join pg_class t on t.relname = v.relname and t.relnamespace = to_regnamespace($2)
     join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
     where v.relnamespace = to_regnamespace($1) and v.relkind = 'v'
       and not exists (select from pg_attribute b where b.attrelid = v.oid and b.attname = a.attname)
     group by v.oid, v.relname`,
    [`"${VIEWS_SCHEMA}"`, `"${schema}"`],
  );
  for (const { view, definition, columns } of rows)
    await patiently(
      client,
      `set lock_timeout = '1s';
       create or replace view "${VIEWS_SCHEMA}"."${view}" as
       select v.*${columns} from (${definition.replace(/;\s*$/, "")}) v;
       reset lock_timeout`,
    );
}

/** Again whenever others held the view for longer than it waits. */
async function patiently(client: pg.Client, statements: string): Promise<void> {
  for (;;)
    try {
      await client.query(statements);
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw error;
    }
}
