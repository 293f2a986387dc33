import { Kysely, PostgresDialect, type RawBuilder, sql } from "kysely";
import pg from "pg";

const SETTINGS = [
  ["statement_timeout", "0"],
  ["idle_in_transaction_session_timeout", "0"],
  // Sorting and hashing whole tables with less would go to disk in many small steps.
  ["work_mem", "64MB"],
  // Compiling costs more than it saves on statements of this kind.
  ["jit", "off"],
];

/**
 * The database as it stood at one moment: a single transaction of isolation level repeatable read,
 * so that what is indexed and captured meanwhile shows as no difference. What is written in it is
 * gone when it ends, also when the process is killed, unless it is kept.
 *
 * A transaction holds the locks of its reads until it ends, and the engine locks its tables
 * exclusively on a reorg: waiting for us, it would hold up every reader behind it. So each read
 * stands in a savepoint that is rolled back, which gives its locks back at once; the snapshot stays.
 */
export class FrozenDatabase {
  readonly #db: Kysely<unknown>;

  private constructor(db: Kysely<unknown>) {
    this.#db = db;
  }

  /** Connects; from the first read on time stands still. */
  static async open(databaseUrl: string): Promise<FrozenDatabase> {
    const client = new pg.Client({ connectionString: databaseUrl });
    // A connection that is lost fails its next statement; unheard, its event would end the process.
    client.on("error", () => undefined);
    await client.connect();
    const session = Object.assign(client, { release: () => undefined });
    // One session for good: another one in place of a lost one would be outside the transaction.
    const pool = { connect: async () => session, end: () => client.end(), options: {} };
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    try {
      await sql`begin isolation level repeatable read`.execute(db);
      for (const [name, value] of SETTINGS)
        await sql`select set_config(${name}, ${value}, true)`.execute(db);
      return new FrozenDatabase(db);
    } catch (error) {
      await db.destroy();
      throw error;
    }
  }

  /** Runs a query that changes nothing, and leaves no lock behind. A failure ends the transaction. */
  async read<T>(query: RawBuilder<T>): Promise<T[]> {
    await sql`savepoint before_read`.execute(this.#db);
    const { rows } = await query.execute(this.#db);
    await sql`rollback to savepoint before_read`.execute(this.#db);
    await sql`release savepoint before_read`.execute(this.#db);
    return rows;
  }

  /** Runs a statement on tables of our own. */
  async write<T>(statement: RawBuilder<T>): Promise<T[]> {
    return (await statement.execute(this.#db)).rows;
  }

  /** Ends the transaction; keeps what was written in it or takes it back. */
  async close({ keep }: { keep: boolean }): Promise<void> {
    try {
      if (keep) await sql`commit`.execute(this.#db);
    } finally {
      // Whatever is not committed goes with the session.
      await this.#db.destroy();
    }
  }
}
