import pg from "pg";

/**
 * Does some work over a database connection of its own, and ends it.
 *
 * @throws when the database cannot be reached, and what `work` throws
 */
export async function withClient<T>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  // A connection that is lost fails its query; unheard, its event would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
