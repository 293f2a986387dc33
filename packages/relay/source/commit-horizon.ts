import { type Kysely, type RawBuilder, sql } from "kysely";

/** How far a table is complete. */
export type Horizon = {
  /** Which rows these are: ids may begin again in another edition. */
  edition: string;
  /** Up to this position no row can appear any more; null while that is not known of any. */
  completeTo: string | null;
};

/**
 * Finds out up to which id of a table no row can appear any more.
 *
 * Ids are given when a row is inserted and seen when it is committed, so they do not appear in
 * order: who reads up to the greatest id skips the row of a transaction that is still open. That one
 * inserted before it committed, and PostgreSQL lets it hold a lock on the table (ROW EXCLUSIVE) from
 * before its first id until its end. So:
 *
 *   1. read the greatest id that is there: every smaller one was given before now, and whoever has
 *      one that is not seen holds the lock now
 *   2. then read who holds the lock
 *   3. once all of those have ended, the table is complete up to that id
 *
 * Nothing is locked here, and nobody waits: neither writers for the relay nor the relay for writers
 * that came later. Comparing transaction ids (`xmin`, `pg_snapshot_xmin`) would wait for every
 * transaction of the whole cluster, also of other tables and databases, and would order a row by
 * when its transaction first wrote anything. A writer that is idle in its transaction holds up
 * what was written after it: `idle_in_transaction_session_timeout` bounds that.
 *
 * It holds for ids of the table's own identity column with a cache of 1, and rows that are
 * inserted through this table, not by logical replication.
 */
export class CommitHorizon {
  readonly #table: RawBuilder<unknown>;
  readonly #greatest: RawBuilder<unknown>;
  #known: Horizon = { edition: "", completeTo: null };
  /** The greatest id that was there, and who wrote then and had not ended when last looked. */
  #pending: { greatest: string; writers: ReadonlySet<string> } | null = null;
  #reading: Promise<Horizon> | null = null;

  /**
   * @param table SQL for the table as a `regclass`
   * @param greatest SQL for the position of the greatest id
   */
  constructor(table: RawBuilder<unknown>, greatest: RawBuilder<unknown>) {
    this.#table = table;
    this.#greatest = greatest;
  }

  /**
   * The horizon of statements that begin when this has resolved. One reading at a time: two would
   * compare who wrote then with who wrote even before.
   */
  read(db: Kysely<unknown>): Promise<Horizon> {
    this.#reading ??= this.#read(db).finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #read(db: Kysely<unknown>): Promise<Horizon> {
    const { edition, greatest } = await this.#readGreatest(db);
    // In a statement of its own: within one, nothing says which of the two is read first.
    const writers = await this.#readWriters(db);
    if (edition !== this.#known.edition) {
      this.#known = { edition, completeTo: null };
      this.#pending = null;
    }
    if (this.#pending !== null && hasEnded(this.#pending.writers, writers))
      this.#completeTo(this.#pending.greatest);
    if (greatest !== null && writers.size === 0) this.#completeTo(greatest);
    else if (greatest !== null) this.#pending ??= { greatest, writers };
    return this.#known;
  }

  #completeTo(position: string): void {
    this.#known = { ...this.#known, completeTo: position };
    this.#pending = null;
  }

  /** The edition is the file of the table's rows: after TRUNCATE it is another one. */
  async #readGreatest(db: Kysely<unknown>): Promise<{ edition: string; greatest: string | null }> {
    const { rows } = await sql<{ edition: string; greatest: string | null }>`
      select ${this.#table}::oid || '/' || pg_relation_filenode(${this.#table}) as edition,
             (${this.#greatest}) as greatest`.execute(db);
    return rows[0] ?? { edition: "", greatest: null };
  }

  async #readWriters(db: Kysely<unknown>): Promise<Set<string>> {
    const { rows } = await sql<{ writer: string }>`
      select case when pid is null then ${PREPARED} else virtualtransaction end as writer
      from pg_locks
      where locktype = 'relation' and mode = 'RowExclusiveLock' and granted
        and database = (select oid from pg_database where datname = current_database())
        and relation = ${this.#table}`.execute(db);
    return new Set(rows.map(({ writer }) => writer));
  }
}

/** A prepared transaction: it has another name than while it was open, so it may be any of them. */
const PREPARED = "prepared";

function hasEnded(writers: ReadonlySet<string>, now: ReadonlySet<string>): boolean {
  return !now.has(PREPARED) && [...writers].every((writer) => !now.has(writer));
}
