import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ConsumerOptions,
  type ExpectedPublication,
  inTransaction,
  migrate,
} from "@escrow-stream/consumer";
import pg from "pg";
import { startTestPostgres } from "./start-test-postgres.ts";

/** A schema of its own with the library's tables and `effect`, a table without any uniqueness. */
export type Sandbox = {
  options: ConsumerOptions & { schema: string; publication: ExpectedPublication };
  applied(): Promise<string[]>;
};

export type ConsumerDatabase = {
  url: string;
  pool: pg.Pool;
  sandbox(options?: Partial<Sandbox["options"]>): Promise<Sandbox>;
  stop(): Promise<void>;
};

export async function startConsumerDatabase(): Promise<ConsumerDatabase> {
  const folder = mkdtempSync(join(tmpdir(), "consumer-"));
  // PostgreSQL's own user has to get through to its data, or that would lie outside this folder.
  chmodSync(folder, 0o711);
  const postgres = await startTestPostgres({ dataDir: join(folder, "data") });
  const pool = new pg.Pool({ connectionString: postgres.url, max: 20 });
  pool.on("error", () => undefined);
  let schemas = 0;
  return {
    url: postgres.url,
    pool,
    async sandbox(options = {}) {
      const schema = `sandbox_${++schemas}`;
      await inTransaction(pool, async (tx) => {
        await migrate(tx, { schema });
        await tx.query(
          `create table ${schema}.effect (position bigint generated always as identity, message_id text)`,
        );
      });
      return {
        options: {
          name: "test",
          schema,
          publication: { topic: "chain.events.v1", finality: "provisional" },
          ...options,
        },
        async applied() {
          const { rows } = await pool.query(
            `select message_id from ${schema}.effect order by position`,
          );
          return rows.map((row) => row.message_id);
        },
      };
    },
    async stop() {
      // A failed test may keep a connection for ever: the server ends it.
      void pool.end();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
