import type pg from "pg";
import type { Queryable } from "../../../db/queryable.ts";
import { type ApiKey, SCOPES, type Scope } from "./api-key.ts";

/*
 * The keys of the API, written by `npm run keys` and read by every instance every other second. A key
 * that was revoked stays, so that its name is not given again.
 */

/** Only one process at a time may make the table. */
const LOCK = 4_120_214;
const MAX_KEYS = 10_000;

const TABLE_SQL = `
  create schema if not exists escrow;
  create table if not exists escrow._api_key (
    name text primary key,
    sha256 text not null unique check (sha256 ~ '^[0-9a-f]{64}$'),
    scopes text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz);`;

/** A row of the table, as it is listed. */
export type StoredKey = ApiKey & { createdAtMs: number; revokedAtMs: number | null };

type Row = {
  name: string;
  sha256: string;
  scopes: string[];
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
};

/** Makes the table where there is none. */
export async function ensureKeyTable(client: pg.Client): Promise<void> {
  await client.query("begin");
  await client.query("select pg_advisory_xact_lock($1)", [LOCK]);
  await client.query(TABLE_SQL);
  await client.query("commit");
}

/** Every key, also those that are revoked; null when there is no table. */
export async function readKeys(db: Queryable): Promise<StoredKey[] | null> {
  const { rows: found } = await db.query(
    "select to_regclass('escrow._api_key') is not null as is_there",
  );
  if (!found[0].is_there) return null;
  const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;
  const { rows } = await db.query<Row>(
    `select name, sha256, scopes, ${ms("created_at")} as created_at,
            ${ms("expires_at")} as expires_at, ${ms("revoked_at")} as revoked_at
     from escrow._api_key order by created_at, name limit ${MAX_KEYS}`,
  );
  return rows.map((row) => ({
    name: row.name,
    sha256: row.sha256,
    scopes: SCOPES.filter((scope) => row.scopes.includes(scope)),
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
    revokedAtMs: row.revoked_at,
  }));
}

/** @returns false when there is a key of that name, also one that was revoked */
export async function addKey(
  db: Queryable,
  key: { name: string; sha256: string; scopes: readonly Scope[]; expiresAt: Date | null },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into escrow._api_key (name, sha256, scopes, expires_at) values ($1, $2, $3, $4)
     on conflict (name) do nothing`,
    [key.name, key.sha256, key.scopes, key.expiresAt],
  );
  return rowCount === 1;
}

/** @returns false when there is no such key */
export async function revokeKey(db: Queryable, name: string): Promise<boolean> {
  const { rowCount } = await db.query(
    "update escrow._api_key set revoked_at = coalesce(revoked_at, now()) where name = $1",
    [name],
  );
  return rowCount === 1;
}
