import pg from "pg";
import { waitUntil } from "./wait-until.ts";

const PAYLOADS = ["", "x", "[", '{"a":', "null", "[1]", '"'.repeat(7_900)];
const NOTIFICATIONS = 2_000;
const CONNECTIONS = 40;
/** Of indexer, relay, API and readers. */
const ROLES = 4;

/**
 * Does to a running service what a reader of its database can do and PostgreSQL cannot forbid: forged
 * notifications on every channel, a transaction that stays open, and every connection that it gets.
 *
 * @returns the roles of all sessions that there were, and whether one of them is a superuser
 */
export async function attackAsReader(
  url: string,
): Promise<{ roles: string[]; hasSuperuser: boolean; connections: number }> {
  const sessions: pg.Client[] = [];
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    await client.connect();
    sessions.push(client);
    return client;
  };
  try {
    const reader = await waitUntil("a reader gets in", connect);
    await waitUntil("escrows are indexed and published", async () => {
      const { rows } = await reader.query("select count(*)::int as escrows from escrow.escrow");
      return rows[0].escrows > 0;
    });
    const open = await connect();
    await open.query("begin isolation level repeatable read; select count(*) from escrow.escrow");
    const { rows: channels } = await reader.query<{ name: string }>(
      `select nspname || '_live_query' as name from pg_namespace where nspname like 'escrow%'
                 union all select 'relay_captured'`,
    );
    for (const { name } of channels)
      for (const payload of PAYLOADS)
        await reader.query(
          `select pg_notify($1, $2 || n::text) from generate_series(1, ${NOTIFICATIONS}) n`,
          [name, payload],
        );
    const rows = await waitUntil("every process is in the database", async () => {
      const found = await reader.query<{ role: string; is_superuser: boolean }>(`
        select distinct rolname as role, rolsuper as is_superuser
        from pg_stat_activity join pg_roles on pg_roles.oid = usesysid
        where datname = current_database() order by 1`);
      return found.rows.length >= ROLES && found.rows;
    });
    while (sessions.length <= CONNECTIONS)
      try {
        await connect();
      } catch {
        break;
      }
    return {
      roles: rows.map(({ role }) => role),
      hasSuperuser: rows.some(({ is_superuser }) => is_superuser),
      connections: sessions.length,
    };
  } finally {
    await Promise.all(sessions.map((session) => session.end().catch(() => undefined)));
  }
}
