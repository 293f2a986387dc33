import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { View } from "../../apps/api/read/view.ts";
import * as views from "../../apps/api/read/views.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { TestWorld } from "../support/test-world.ts";

let world: TestWorld;
let pool: pg.Pool;
beforeAll(async () => {
  world = await TestWorld.create();
  pool = new pg.Pool({ connectionString: await world.createDatabase() });
  await StandInDeployment.create(pool, "escrow_standin");
});
afterAll(async () => {
  await pool.end();
  await world.end();
});

test.each(Object.values<View<never>>(views).map((view) => [view.name, view] as const))(
  "the query side knows the columns of %s as the indexer makes them",
  async (name, { columns, key }) => {
    const { rows } = await pool.query(
      `select c.column_name as column, c.udt_name as type, c.is_nullable as null,
              coalesce(k.indisprimary, false) as is_key
       from information_schema.columns c
       join pg_attribute a on a.attrelid = format('escrow_standin.%I', $1::text)::regclass
         and a.attname = c.column_name
       left join pg_index k on k.indrelid = a.attrelid and k.indisprimary and a.attnum = any (k.indkey)
       where c.table_schema = 'escrow_standin' and c.table_name = $1 order by c.ordinal_position`,
      [name],
    );
    const described = [...columns].map(([column, { type, isNullable }]) => ({
      column,
      type: type === "text[]" ? "_text" : type,
      null: isNullable ? "YES" : "NO",
      is_key: (key as readonly string[]).includes(column),
    }));
    expect(described).toEqual(rows);
  },
);
