import type { Pool, PoolClient } from "pg";

/**
 * Runs `work` in a transaction of its own and commits it.
 *
 * @throws what `work` throws, after the rollback; or the commit's error, after which it is not
 *   known whether it was committed
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (tx: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let lost: Error | undefined;
  // A connection that is lost between two statements would otherwise end the process.
  const onError = (error: Error) => {
    lost = error;
  };
  client.on("error", onError);
  try {
    await client.query("begin");
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
