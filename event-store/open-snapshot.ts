import pg from "pg";

const ROWS_PER_FETCH = 1_000;

/** The database as it was at one moment, on a connection of its own. */
export type Snapshot = {
  all<T extends pg.QueryResultRow>(query: string, values?: unknown[]): Promise<T[]>;
  /** Rows a thousand at a time, so that memory does not grow with their number; one query at once. */
  stream<T extends pg.QueryResultRow>(query: string, values?: unknown[]): AsyncGenerator<T>;
  close(): Promise<void>;
};

/**
 * Opens a read-only transaction that sees nothing of what the engine writes or rolls back from now
 * on. It takes no lock that the engine or the relay would wait for; kept open for long, it only
 * holds PostgreSQL's clean-up back.
 */
export async function openSnapshot(databaseUrl: string): Promise<Snapshot> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on("error", () => undefined);
  await client.connect();
  const all: Snapshot["all"] = async <T extends pg.QueryResultRow>(
    query: string,
    values: unknown[] = [],
  ) => (await client.query<T>(query, values)).rows;
  try {
    await all("begin isolation level repeatable read, read only");
  } catch (error) {
    await client.end();
    throw error;
  }
  return {
    all,
    async *stream<T extends pg.QueryResultRow>(query: string, values: unknown[] = []) {
      await all(`declare event_store_rows no scroll cursor for ${query}`, values);
      try {
        let rows: T[];
        do {
          rows = await all<T>(`fetch forward ${ROWS_PER_FETCH} from event_store_rows`);
          yield* rows;
        } while (rows.length === ROWS_PER_FETCH);
      } finally {
        // After a failure the transaction is void, and the cursor gone with it.
        await all("close event_store_rows").catch(() => undefined);
      }
    },
    close: () => client.end(),
  };
}
