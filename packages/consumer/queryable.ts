/**
 * What the library needs of a database: a PostgreSQL connection inside a transaction that the
 * caller began and will end. A `pg` client fits as it is; for Kysely see `kysely-queryable.ts`.
 */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** Runs a statement and types its rows: the one place where that is taken on trust. */
export async function rowsOf<Row>(
  tx: Queryable,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const { rows } = await tx.query(text, values);
  return rows as Row[];
}
