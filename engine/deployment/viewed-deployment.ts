import type { Queryable } from "../../db/queryable.ts";
import { relationExists } from "../../db/relation-exists.ts";
import { VIEWS_SCHEMA } from "../build-schema.ts";
import { META_TABLE } from "../private-tables.ts";

/** The schema that the stable views show; null while there are none. For any database user. */
export async function viewedDeployment(db: Queryable): Promise<string | null> {
  const { rows } = await db.query(
    `select distinct n.nspname as schema
     from pg_rewrite r
     join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                         and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
     join pg_class c on c.oid = d.refobjid
     join pg_namespace n on n.oid = c.relnamespace
     where r.ev_class = to_regclass($1)`,
    [`${VIEWS_SCHEMA}.${META_TABLE}`],
  );
  return rows[0]?.schema ?? null;
}

/**
 * The tables of a deployment that are declared in `ponder.schema.ts`, as the engine lists them; null
 * when it has not made them.
 */
export async function tablesOf(db: Queryable, schema: string): Promise<string[] | null> {
  if (!(await relationExists(db, schema, META_TABLE))) return null;
  const { rows } = await db.query(
    `select value -> 'table_names' as names from "${schema}".${META_TABLE} where key = 'app'`,
  );
  return rows[0]?.names ?? null;
}
