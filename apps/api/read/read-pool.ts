import pg from "pg";
import { columnParsers } from "./column-parsers.ts";
import { prepareSnapshotName } from "./snapshot-query.ts";

export type ReadPoolOptions = {
  databaseUrl: string;
  connections: number;
  /** Longest time of one statement, in milliseconds. */
  statementTimeoutMs: number;
};

const CONNECT_TIMEOUT_MS = 3_000;
const LOCK_TIMEOUT_MS = 500;
const IDLE_IN_TRANSACTION_MS = 10_000;
const IDLE_MS = 60_000;
/** So much later than the database itself gives up, we no longer wait for it to say so. */
const MARGIN_MS = 1_000;
/** How often the database looks whether we still listen, while it works on a query of ours. */
const CONNECTION_CHECK_MS = 250;

/**
 * Connections that read and nothing else, each statement bounded.
 */
export function openReadPool(options: ReadPoolOptions): pg.Pool {
  const { databaseUrl, connections, statementTimeoutMs } = options;
  const settings = {
    default_transaction_read_only: "on",
    default_transaction_isolation: "repeatable\\ read",
    statement_timeout: statementTimeoutMs,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    // Compiling costs more than it saves on short queries.
    jit: "off",
  };
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: "escrow-stream api",
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" "),
    max: connections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: statementTimeoutMs + MARGIN_MS,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    types: columnParsers,
    pipeline: true,
  });
  // Opened again when needed; unheard, the event would end the process.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => {
    client.on("error", () => undefined);
    prepareSnapshotName(client);
    // Some systems cannot; then a query that nobody waits for ends with its own timeout.
    client
      .query(`set client_connection_check_interval = ${CONNECTION_CHECK_MS}`)
      .catch(() => undefined);
  });
  return pool;
}
