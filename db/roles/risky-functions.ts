import pg from "pg";
import type { Queryable } from "../queryable.ts";
import type { RoleNames } from "./role-names.ts";

/**
 * Functions that every role may call unless told otherwise, and that do more than read: locks that
 * others wait for, large objects, records in the log of the server, the end of a session of the same
 * role. Only who owns them, a superuser, can close them, for one database.
 */
const RISKY = `
  p.proname ~ '^(pg_(try_)?advisory_|lo_|loread$|lowrite$)'
  or p.proname in ('pg_logical_emit_message', 'pg_terminate_backend', 'pg_cancel_backend',
                   'pg_export_snapshot')`;

/** Says what closes them to everybody but the indexer and the relay. */
export async function closeRiskyFunctions(
  db: Queryable,
  { indexer, relay }: RoleNames,
): Promise<string[]> {
  const { rows } = await db.query(`
    select p.oid::regprocedure::text as name from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and (${RISKY})
      and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
                  where grantee = 0 and privilege_type = 'EXECUTE')
    order by 1`);
  const owners = [indexer, relay].map(pg.escapeIdentifier).join(", ");
  return rows.flatMap(({ name }) => [
    `revoke execute on function pg_catalog.${name} from public`,
    `grant execute on function pg_catalog.${name} to ${owners}`,
  ]);
}
