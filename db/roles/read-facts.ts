import type { Queryable } from "../queryable.ts";
import { MADE_LATER, SCHEMAS } from "./role-names.ts";

/** What there is in a database before roles are set up. */
export type Facts = {
  database: string;
  /** 14, 15, … */
  version: number;
  /** Who is asking, and what they may. */
  me: {
    name: string;
    isSuperuser: boolean;
    mayMakeRoles: boolean;
    /** May give and take rights on the database itself. */
    ownsDatabase: boolean;
    ownsPublicSchema: boolean;
    maySetTempFileLimit: boolean;
  };
  /** Roles of the names asked for that exist, and whether we act with their rights. */
  roles: Map<string, { isSuperuser: boolean; mayLogin: boolean; isMine: boolean }>;
  /** Schemas of ours that exist. */
  schemas: { name: string; owner: string }[];
  /** Everything in them that has an owner of its own. */
  objects: OwnedObject[];
  /** Relations of the journal. */
  journal: string[];
};

/** Something with an owner, as `alter <kind> <name> owner to` takes it. */
type OwnedObject = { schema: string; kind: string; name: string; owner: string };

const IS_OURS = `(n.nspname = any ($1) or exists (
  select from pg_class m where m.relnamespace = n.oid and m.relname = '_ponder_meta' and m.relkind = 'r'))`;

/** Indexes and sequences of a column go with their table. */
const OBJECTS = `
  with ours as (select n.oid, n.nspname from pg_namespace n where ${IS_OURS})
  select o.nspname as schema, pg_get_userbyid(c.relowner) as owner,
         case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
                        when 'S' then 'sequence' else 'table' end as kind,
         format('%I.%I', o.nspname, c.relname) as name
  from pg_class c join ours o on o.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'S')
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
                    and d.objid = c.oid and c.relkind = 'S' and d.deptype in ('a', 'i'))
  union all
  select o.nspname, pg_get_userbyid(p.proowner), 'routine',
         format('%I.%I(%s)', o.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
  from pg_proc p join ours o on o.oid = p.pronamespace
  union all
  select o.nspname, pg_get_userbyid(t.typowner), 'type', format('%I.%I', o.nspname, t.typname)
  from pg_type t join ours o on o.oid = t.typnamespace where t.typtype in ('e', 'd')
  order by 1, 3, 4`;

/** Reads them. Any role may. */
export async function readFacts(db: Queryable, names: readonly string[]): Promise<Facts> {
  const {
    rows: [about],
  } = await db.query(`
    select current_database() as database, current_setting('server_version_num')::int / 10000 as version,
           r.rolname as name, r.rolsuper as "isSuperuser",
           r.rolsuper or r.rolcreaterole as "mayMakeRoles",
           pg_has_role(d.datdba, 'usage') as "ownsDatabase",
           coalesce(pg_has_role(n.nspowner, 'usage'), false) as "ownsPublicSchema"
    from pg_roles r join pg_database d on d.datname = current_database()
    left join pg_namespace n on n.nspname = 'public'
    where r.rolname = current_user`);
  const { database, version, ...me } = about;
  const { rows: roles } = await db.query(
    `select rolname as name, rolsuper as "isSuperuser", rolcanlogin as "mayLogin",
            pg_has_role(oid, 'usage') as "isMine"
     from pg_roles where rolname = any ($1)`,
    [names],
  );
  const fixed = [...Object.values(SCHEMAS), ...MADE_LATER];
  const { rows: schemas } = await db.query(
    `select n.nspname as name, pg_get_userbyid(n.nspowner) as owner
     from pg_namespace n where ${IS_OURS} order by 1`,
    [fixed],
  );
  const { rows: objects } = await db.query<OwnedObject>(OBJECTS, [fixed]);
  const { rows: journal } = await db.query(
    "select relname as name from pg_class where relnamespace = to_regnamespace($1)::oid and relkind in ('r', 'v')",
    [SCHEMAS.journal],
  );
  return {
    ...{ database, version, schemas, objects },
    me: { ...me, maySetTempFileLimit: await maySetTempFileLimit(db, version, me.isSuperuser) },
    roles: new Map(roles.map(({ name, ...role }) => [name, role])),
    journal: journal.map(({ name }) => name),
  };
}

async function maySetTempFileLimit(
  db: Queryable,
  version: number,
  isSuperuser: boolean,
): Promise<boolean> {
  if (isSuperuser || version < 15) return isSuperuser;
  const { rows } = await db.query(
    "select has_parameter_privilege('temp_file_limit', 'set') as may",
  );
  return rows[0].may;
}
