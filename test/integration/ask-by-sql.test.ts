import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withClient } from "../../db/with-client.ts";
import { describeOnce, VIEW_COMMENTS } from "../../engine/describe-views.ts";
import { manyEscrowsSql } from "../support/many-escrows.ts";
import { readDocument } from "../support/read-document.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { type RoleBed, roleBed } from "../support/role-bed.ts";

const ESCROWS = 20_000;
const HOT_PARTY = `0x${"a".repeat(40)}`;

const world = new RelayWorld();
let bed: RoleBed;
beforeAll(async () => {
  await world.start();
  bed = await roleBed(world);
  const client = await bed.owner.connect();
  await client.query(
    `begin; ${manyEscrowsSql("escrow_standin", { escrows: ESCROWS, hotParty: HOT_PARTY })} commit`,
  );
  client.release();
});
afterAll(() => world.stop());

const QUESTIONS = [
  ...readDocument("docs/how-to/ask-by-sql.md").matchAll(
    /^## (?<question>.*?)$\n+```sql\n(?<sql>.*?)```\n+Reads (?<all>all of )?`(?<table>\w+)`.*?\n+```text\n/gms,
  ),
].map(({ groups = {} }): [string, Record<string, string>] => [groups.question ?? "", groups]);

test("there are ten questions", () => expect(QUESTIONS).toHaveLength(10));

test.each(QUESTIONS)("A reader asks: %s", async (_, { sql = "", table = "", all }) => {
  const reader = await bed.connectAs(bed.reader);
  await reader.query(sql);
  const { rows } = await reader.query(`explain (format json, costs off) ${sql}`);
  const reads = [...scansOf(rows[0]["QUERY PLAN"][0].Plan)];
  expect(reads).toEqual([[table, all === undefined ? "index" : "all"]]);
});

describe("The views say what they are", () => {
  test("each with all of its columns, and again after the engine has dropped one and made it", async () => {
    const indexer = await bed.connectAs(bed.names.indexer);
    await describeOnce(indexer);
    expect(await undescribed(indexer)).toEqual([]);
    await indexer.query(
      "drop view escrow.party; create view escrow.party as select * from escrow_standin.party",
    );
    expect((await undescribed(indexer)).length).toBeGreaterThan(10);
    await describeOnce(indexer);
    expect(await undescribed(indexer)).toEqual([]);
    const { rows } = await withClient(bed.urlAs(bed.reader), (reader) =>
      reader.query(
        "select col_description('escrow.escrow'::regclass, attnum) as says from pg_attribute where attrelid = 'escrow.escrow'::regclass and attname = 'amount'",
      ),
    );
    expect(rows).toEqual([{ says: "In wei." }]);
  });

  test("and nothing that is not there", async () => {
    const { rows } = await bed.owner.query<{ name: string }>(
      "select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'escrow'",
    );
    const there = new Set(rows.map(({ name }) => name));
    const said = Object.entries(VIEW_COMMENTS).flatMap(([view, { columns }]) =>
      Object.keys(columns).map((column) => `${view}.${column}`),
    );
    expect(said.filter((name) => !there.has(name))).toEqual([]);
  });

  test("amounts are numeric", async () => {
    const { rows } = await bed.owner.query(
      "select distinct data_type from information_schema.columns where table_schema = 'escrow' and column_name ~ 'amount$'",
    );
    expect(rows).toEqual([{ data_type: "numeric" }]);
  });
});

type Plan = { "Node Type": string; "Relation Name"?: string; Plans?: Plan[] };

/** The tables that a plan reads, and how. */
function* scansOf(plan: Plan): Generator<[string, "index" | "all"]> {
  const table = plan["Relation Name"];
  if (table !== undefined) yield [table, plan["Node Type"] === "Seq Scan" ? "all" : "index"];
  for (const child of plan.Plans ?? []) yield* scansOf(child);
}

/** Columns of the views that say nothing. */
async function undescribed(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`
    select c.relname || '.' || a.attname as name
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
    where c.relnamespace = 'escrow'::regnamespace and c.relkind = 'v'
      and c.relname not like '\\_%' and col_description(c.oid, a.attnum) is null`);
  return rows.map(({ name }) => name);
}
