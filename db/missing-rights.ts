import type { Queryable } from "./queryable.ts";
import { SCHEMAS } from "./roles/role-names.ts";

/**
 * What a process wants of the database: the indexer makes deployments and views, the relay keeps the
 * journal and reads the outbox, a reader reads what is there. `connect` asks for no right.
 */
export type DatabaseUse = "indexer" | "relay" | "reader" | "connect";

type Right = { right: string; schema: string; name?: string };

const { views, witness, journal } = SCHEMAS;
const select = (schema: string, ...names: string[]): Right[] =>
  names.map((name) => ({ right: "select", schema, name }));

const RIGHTS: Record<DatabaseUse, Right[]> = {
  indexer: [
    { right: "create", schema: views },
    { right: "create", schema: witness },
  ],
  relay: [
    { right: "create", schema: journal },
    ...[views, witness].map((schema) => ({ right: "usage", schema })),
    ...select(views, "outbox", "_ponder_checkpoint", "_ponder_meta"),
    ...select(witness, "verified", "finding"),
  ],
  reader: [
    { right: "usage", schema: views },
    ...select(views, "event", "escrow", "approval", "settlement", "party", "settlement_minute"),
    // Not the feed: the relay may have made it just now, and grants it in a moment.
    ...select(views, "chain_stat", "chain_progress", "chain_verified", "_api_key"),
  ],
  connect: [],
};

/** Schemas that a use makes where they are missing. */
const MAKES: Record<DatabaseUse, readonly string[] | "any"> = {
  indexer: "any",
  relay: [journal],
  reader: [],
  connect: [],
};

const GIVEN_BY =
  "npm run db:roles -- --apply gives every role what it needs (docs/how-to/give-each-process-its-role.md)";

/**
 * Finds what the role lacks, a sentence for each right with the statement that grants it. What does
 * not exist yet is not asked for: who makes it, or `db:roles`, grants it.
 */
export async function missingRights(db: Queryable, use: DatabaseUse): Promise<string[]> {
  const { rows } = await db.query<{ role: string; missing: string[] }>(
    `with wanted as (
       select * from jsonb_to_recordset($1) as w (right_ text, schema text, name text)
     )
     select quote_ident(current_user) as role, array(
       select format('create on database %I', current_database())
       where case when $3 then true
                  else exists (select from unnest($2::text[]) as s (name)
                               where to_regnamespace(s.name) is null) end
         and not has_database_privilege(current_database(), 'create')
       union all
       select case when w.name is null then format('%s on schema %I', w.right_, w.schema)
                   else format('%s on %I.%I', w.right_, w.schema, w.name) end
       from wanted w join pg_namespace n on n.nspname = w.schema
       left join pg_class c on c.relnamespace = n.oid and c.relname = w.name
       where case when w.name is null then not has_schema_privilege(n.oid, w.right_)
                  when c.oid is null then false
                  else not has_table_privilege(c.oid, w.right_) end) as missing`,
    [
      JSON.stringify(RIGHTS[use].map(({ right, ...place }) => ({ right_: right, ...place }))),
      MAKES[use] === "any" ? [] : MAKES[use],
      MAKES[use] === "any",
    ],
  );
  const [{ role, missing } = { role: "", missing: [] }] = rows;
  return missing.map((right) => `role ${role} needs: grant ${right} to ${role}. ${GIVEN_BY}`);
}
