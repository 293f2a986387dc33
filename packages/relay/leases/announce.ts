import { sql, type Transaction } from "kysely";

/** Says that this instance lives, and counts those that do. */
export async function announce(
  tx: Transaction<unknown>,
  instance: string,
  leaseMs: number,
): Promise<number> {
  await sql`
    insert into relay.instance (id, expires_at)
    values (${instance}, clock_timestamp() + ${leaseMs} * interval '1 ms')
    on conflict (id) do update set expires_at = excluded.expires_at`.execute(tx);
  await sql`
    delete from relay.instance where id in (
      select id from relay.instance
      where expires_at < clock_timestamp() and id <> ${instance}
      for update skip locked)`.execute(tx);
  const { rows } = await sql<{ n: string }>`select count(*) as n from relay.instance`.execute(tx);
  return Number(rows[0]?.n ?? 1);
}
