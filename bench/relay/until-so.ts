import { setTimeout } from "node:timers/promises";
import pg from "pg";
import type { Child } from "../framework/child.ts";

/**
 * Waits until something holds in a contender's database.
 *
 * @param isSo SQL of one row with a boolean column `so`
 * @param mayFail whether an error means: not yet
 * @throws when one of the processes that bring it about has ended: it would never hold
 */
export async function untilSo(
  databaseUrl: string,
  children: readonly Child[],
  isSo: string,
  { everyMs, mayFail = false }: { everyMs: number; mayFail?: boolean },
): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  // Cut short, the benchmark loses its database: the query says so, the event would end it.
  pool.on("error", () => undefined);
  const question = { name: "is_so", text: isSo };
  const ask = async (): Promise<boolean> => (await pool.query(question)).rows[0]?.so ?? false;
  try {
    while (!(await (mayFail ? ask().catch(() => false) : ask()))) {
      for (const { process, howEnded } of children)
        if (howEnded() !== null)
          throw new Error(`${process.spawnargs.join(" ")} ended with work to do: ${howEnded()}`);
      await setTimeout(everyMs);
    }
  } finally {
    await pool.end();
  }
}
