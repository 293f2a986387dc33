import { join } from "node:path";
import pg from "pg";
import { startPostgres } from "../../local/postgres/start-postgres.ts";
import { atEnd } from "../framework/at-end.ts";

export type BenchPostgres = {
  /** Process id of the postmaster. */
  pid: number;
  /** Makes an empty database; returns its URL. */
  createDatabase(): Promise<string>;
  /** Removes one again, with whoever is connected to it. */
  dropDatabase(url: string): Promise<void>;
};

/**
 * Starts the embedded PostgreSQL with the settings of `npm start`: durable, so that every commit
 * waits for the disk.
 *
 * @param settings more of PostgreSQL's own, that only a restart brings in
 */
export async function startDatabase(
  folder: string,
  settings: Record<string, string> = {},
): Promise<BenchPostgres> {
  const dataDir = join(folder, "postgres");
  let postgres = await startPostgres({ dataDir, password: "escrow" });
  for (const [name, value] of Object.entries(settings))
    await query(postgres.url, `alter system set ${name} = '${value}'`);
  if (Object.keys(settings).length > 0) {
    await postgres.stop();
    postgres = await startPostgres({ dataDir, password: "escrow" });
  }
  atEnd(() => postgres.stop());
  let count = 0;
  return {
    pid: postgres.process.pid ?? 0,
    createDatabase: async () => {
      const name = `bench_${++count}`;
      await query(postgres.url, `create database ${name}`);
      return postgres.url.replace(/[^/]+$/, name);
    },
    dropDatabase: async (url) => {
      await query(postgres.url, `drop database ${url.replace(/.*\//, "")} with (force)`);
    },
  };
}

/** Runs statements on a connection of their own. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  // What ends the connection fails the statement as well; as an event it would end the process.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}
