import pg from "pg";
import type { Queryable } from "../queryable.ts";
import { FEED, READER_MARK, SCHEMAS } from "./role-names.ts";

/**
 * Lets every reader read the feed, where a migration has made it since: its views stand among the
 * journal's tables, so no default privilege could tell them apart. For the role that owns them; any
 * other changes nothing.
 */
export async function grantFeed(db: Queryable): Promise<void> {
  const { rows } = await db.query<{ view: string; reader: string }>(
    `select c.relname as view, r.rolname as reader
     from pg_class c, pg_roles r
     where c.relnamespace = to_regnamespace($1)::oid and c.relname = any ($2)
       and pg_has_role(c.relowner, 'usage')
       and shobj_description(r.oid, 'pg_authid') like $3 || '%'
       and not has_table_privilege(r.oid, c.oid, 'select')`,
    [SCHEMAS.journal, FEED, READER_MARK],
  );
  for (const { view, reader } of rows)
    await db.query(
      `grant select on ${SCHEMAS.journal}.${pg.escapeIdentifier(view)} to ${pg.escapeIdentifier(reader)}`,
    );
}
