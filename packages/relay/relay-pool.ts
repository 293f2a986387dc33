import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import pg from "pg";
import type { Logger } from "pino";

const POOL_SIZE = 12;
const STATEMENT_TIMEOUT_MS = 60_000;
/** For a free connection, and for a new one. */
const CONNECT_TIMEOUT_MS = 30_000;
/** So much later than PostgreSQL would have said that it gives up, nobody is listening there. */
const MARGIN_MS = 5_000;
/** Begins a statement that sets a longer `statement_timeout` for itself. */
const LONG = "/* long */";
/** PostgreSQL notices within a minute that we are gone, and lets go of our locks. */
const KEEP_ALIVE =
  "set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3";

/**
 * The relay's connections, each of which ends when it falls silent: a network may forget a
 * connection without telling either side, and who waits for an answer then waits for ever. A
 * statement that has none in time loses its connection; whoever asked tries again over another one.
 * The connection is reset, so that what the system has not delivered of it never is.
 *
 * @param statementTimeoutMs longest time of one statement, and of a pause in a transaction
 */
export function openRelayPool(
  databaseUrl: string,
  log: Logger,
  statementTimeoutMs = STATEMENT_TIMEOUT_MS,
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: POOL_SIZE,
    application_name: "relay",
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  pool.on("error", (error) =>
    log.warn({ event: "database.connection-lost", err: error }, "an idle connection was lost"),
  );
  pool.on("connect", (client) => {
    // Lost while it is lent out, a connection fails its query; unheard, its event would end us.
    client.on("error", () => undefined);
    resetWhenSilent(client, statementTimeoutMs + Math.min(MARGIN_MS, statementTimeoutMs));
    client.query(KEEP_ALIVE).catch(() => undefined);
  });
  return pool;
}

function resetWhenSilent(client: pg.PoolClient, afterMs: number): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const bounded = (...args: unknown[]): unknown => {
    const answer = query(...args);
    // With a callback it is not the relay's.
    if (!(answer instanceof Promise) || String(args[0]).startsWith(LONG)) return answer;
    const timer = setTimeout(() => reset(client), afterMs);
    const answered = (): void => clearTimeout(timer);
    answer.then(answered, answered);
    return answer;
  };
  client.query = bounded as pg.PoolClient["query"];
}

function reset(client: pg.PoolClient): void {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  // Only a plain connection can be reset.
  if (stream instanceof TLSSocket) stream.destroy();
  else stream.resetAndDestroy();
}
