import type { Pool, PoolClient } from "pg";

/** A process that is paused inside a transaction must not keep its keys from all others. */
const IDLE_LIMIT_MS = 120_000;

/**
 * Runs `work` in a transaction of its own and commits it.
 *
 * @param idleLimitMs the server ends the transaction when it waits that long for the next statement
 *
 * @throws what `work` throws, after the rollback; or the commit's error, after which it is not
 *   known whether it was committed
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (tx: PoolClient) => Promise<T>,
  idleLimitMs = IDLE_LIMIT_MS,
): Promise<T> {
  const client = await pool.connect();
  let lost: Error | undefined;
  // A connection that is lost between two statements would otherwise end the process.
  const onError = (error: Error) => {
    lost = error;
  };
  client.on("error", onError);
  try {
    await client.query(`begin; set local idle_in_transaction_session_timeout = ${idleLimitMs}`);
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((rollbackError: Error) => {
      lost ??= rollbackError;
    });
    throw error;
  } finally {
    client.off("error", onError);
    client.release(lost);
  }
}
