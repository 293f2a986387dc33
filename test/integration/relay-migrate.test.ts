import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { migrate } from "../../packages/relay/journal/migrate.ts";
import { RelayWorld } from "../support/relay-world.ts";

const RELAYS = 6;
/** One meeting says little: they have to be within the same statement. */
const DATABASES = 8;

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

test("Several relays may start at the same moment on a database without a journal", async () => {
  for (let round = 1; round <= DATABASES; round++) {
    const { url, db } = await world.database();
    await sql`drop schema relay cascade`.execute(db);
    const relays = await Promise.all(Array.from({ length: RELAYS }, () => connected(url)));
    await Promise.all(relays.map((relay) => migrate(relay)));
    const { rows } = await sql<{ name: string }>`
      select name from relay.kysely_migration union select name from relay.addition order by name`.execute(
      db,
    );
    expect(rows.map(({ name }) => name)).toEqual([
      "0001-journal",
      "0002-known-in",
      "0003-source",
      "0004-halted-for",
      "0005-feed-offset",
    ]);
  }
});

/** With its connection made, so that all of them begin at once. */
async function connected(url: string): Promise<Kysely<unknown>> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  // The server may stop before the last connection has.
  pool.on("error", () => undefined);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  onTestFinished(() => db.destroy());
  await sql`select 1`.execute(db);
  return db;
}
