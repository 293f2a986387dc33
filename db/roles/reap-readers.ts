import type { Queryable } from "../queryable.ts";
import { READER_TRANSACTION_MS } from "./reader-limits.ts";
import { READER_MARK } from "./role-names.ts";

/** A session of a reader that was ended. */
export type EndedSession = { role: string; pid: number; why: string };

const MOST_AT_ONCE = 100;

/**
 * Ends sessions of readers whose transaction lasts too long, and those that take advisory locks: no
 * reader needs one, and processes of ours do. A session may change its own limits, so the settings of
 * the role alone do not bound it.
 *
 * Ends nothing of a role that is not marked as a reader, or that we are no member of.
 */
export async function reapReaders(
  db: Queryable,
  transactionMs: number = READER_TRANSACTION_MS,
): Promise<EndedSession[]> {
  const { rows } = await db.query<EndedSession>(
    `with over as materialized (
       select r.rolname as role, a.pid,
              case when a.xact_start < clock_timestamp() - $1::float8 * interval '1 ms'
                   then format('its transaction lasted longer than %s s', $1::float8 / 1000)
                   else 'it asked for an advisory lock' end as why
       from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
       where a.datname = current_database() and a.pid <> pg_backend_pid()
         and shobj_description(r.oid, 'pg_authid') like $2 || '%'
         and r.rolname <> current_user and not r.rolsuper and pg_has_role(r.oid, 'usage')
         and (a.xact_start < clock_timestamp() - $1::float8 * interval '1 ms'
              or exists (select from pg_locks l
                         where l.pid = a.pid and l.locktype = 'advisory'))
       limit ${MOST_AT_ONCE})
     select role, pid, why from over where pg_terminate_backend(pid)`,
    [transactionMs, READER_MARK],
  );
  return rows;
}
