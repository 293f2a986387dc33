import pg from "pg";
import { SNAPSHOT_NAME } from "./progress.ts";

const STATEMENT = { name: "snapshot", text: `select ${SNAPSHOT_NAME}` };

/** Has a connection know the statement that every `SnapshotQuery` needs. */
export function prepareSnapshotName(client: pg.ClientBase): void {
  // Where it fails, so does what needs it.
  client.query(STATEMENT).catch(() => undefined);
}

/** What the driver has and its types leave out. */
type Connection = {
  bind(config: { statement: string }): void;
  execute(config: object): void;
};
type DriverQuery = {
  prepare(connection: Connection): void;
  handleDataRow(message: { fields: (string | null)[] }): void;
  handleCommandComplete(message: unknown, connection: Connection): void;
};
const Query = pg.Query as unknown as new (config: Config) => DriverQuery;

type Config = pg.QueryConfig & { callback: (error: Error | null, result: pg.QueryResult) => void };

/**
 * A query, and before it the name of the snapshot, which is the same for both: what is sent without a
 * Sync in between is one transaction (PostgreSQL's protocol, "Pipelining"), here one of repeatable
 * reads. It costs neither a `begin` nor a `commit`, nor a second way.
 */
export class SnapshotQuery extends Query {
  /** Null on a standby, and until it is answered. */
  snapshot: string | null = null;
  #isFirst = true;

  constructor(config: Config) {
    super(config);
  }

  override prepare(connection: Connection): void {
    connection.bind({ statement: STATEMENT.name });
    connection.execute({});
    super.prepare(connection);
  }

  override handleDataRow(message: { fields: (string | null)[] }): void {
    if (this.#isFirst) this.snapshot = message.fields[0] ?? null;
    else super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, connection: Connection): void {
    if (this.#isFirst) this.#isFirst = false;
    else super.handleCommandComplete(message, connection);
  }
}
