import { createHash, type Hash } from "node:crypto";
import { sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { StoredRow } from "./event-pages.ts";
import type { ShadowTable } from "./shadow-table.ts";

/*
 * What two installations compare. SHA-256 over one line per row, in order of the key by bytes: a
 * JSON object of the row's columns in alphabetical order, every value as PostgreSQL writes it as
 * text or null, and a line feed. Schema names, positions and times of indexing do not come into it.
 */

/** The state of a projection, or of the event store, on a chain at a block. */
export type StateHash = { chainId: number; block: number; projection: string; hash: string };

const FETCH_ROWS = 5_000;
const CHAIN_ID = "chain_id";

/** Hashes each chain's rows of a folded table; a chain without any has the hash of nothing. */
export async function hashShadow(
  database: FrozenDatabase,
  shadow: ShadowTable,
  chainIds: readonly number[],
): Promise<Map<number, string>> {
  const names = shadow.columns.map(({ name }) => name).sort();
  const columns = names.map((name) => sql`${sql.id(name)}::text as ${sql.id(name)}`);
  const typeOf = new Map(shadow.columns.map(({ name, type }) => [name, type]));
  // The database's own collation would sort addresses of two installations differently.
  const order = shadow.key.map((name) =>
    typeOf.get(name) === "text" ? sql`t.${sql.id(name)} collate "C"` : sql`t.${sql.id(name)}`,
  );
  const hashes = new Map(chainIds.map((chainId) => [chainId, createHash("sha256")]));
  await database.write(
    sql`declare state_rows no scroll cursor for
        select ${sql.join(columns)} from ${shadow.id} t order by ${sql.join(order)}`,
  );
  for (;;) {
    const rows = await database.write(
      sql<Record<string, string | null>>`fetch ${sql.lit(FETCH_ROWS)} from state_rows`,
    );
    for (const row of rows) hashes.get(Number(row[CHAIN_ID]))?.update(lineOf(row));
    if (rows.length < FETCH_ROWS) break;
  }
  await database.write(sql`close state_rows`);
  return new Map([...hashes].map(([chainId, hash]) => [chainId, hash.digest("hex")]));
}

/** Hashes the event store of each chain while it is read, in chain order. */
export class EventStoreHash {
  readonly #hashes: Map<number, Hash>;

  constructor(chainIds: readonly number[]) {
    this.#hashes = new Map(chainIds.map((chainId) => [chainId, createHash("sha256")]));
  }

  /** The engine's position is left out: it is not the chain's own. */
  take(row: StoredRow): void {
    this.#hashes.get(Number(row.chain_id))?.update(
      lineOf({
        anomaly: row.anomaly,
        block_hash: row.block_hash,
        block_number: String(row.block_number),
        block_timestamp: String(row.block_timestamp),
        chain_id: String(row.chain_id),
        emitter: row.emitter,
        id: row.id,
        log_index: String(row.log_index),
        observed_arbiter: row.observed_arbiter ?? null,
        payload: row.payload_text,
        revision: row.revision,
        schema_version: String(row.schema_version),
        stream: row.stream,
        stream_version: String(row.stream_version),
        transaction_hash: row.transaction_hash,
        type: row.type,
      }),
    );
  }

  digest(): Map<number, string> {
    return new Map([...this.#hashes].map(([chainId, hash]) => [chainId, hash.digest("hex")]));
  }
}

function lineOf(row: Record<string, string | null>): string {
  return `${JSON.stringify(row)}\n`;
}
