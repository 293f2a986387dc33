import fc from "fast-check";
import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { columnParsers } from "../../apps/api/read/column-parsers.ts";
import { equal, inRange } from "../../apps/api/read/conditions.ts";
import { InvalidCursor } from "../../apps/api/read/cursor.ts";
import type { Order } from "../../apps/api/read/order.ts";
import { type Page, type PageQuery, readPage } from "../../apps/api/read/page.ts";
import type { Condition } from "../../apps/api/read/ranges.ts";
import { type RowOf, view } from "../../apps/api/read/view.ts";
import { TestWorld } from "../support/test-world.ts";

/** Few values, many alike and many null, amounts beyond what a number holds. */
const SAMPLE = view(
  "sample",
  {
    chain_id: "int8",
    name: "text",
    kind: "text?",
    amount: "numeric?",
    size: "int4?",
    at: "numeric",
  },
  ["chain_id", "name"],
);
type Sample = RowOf<typeof SAMPLE>;
type Query = Omit<PageQuery<Sample>, "limit" | "cursor">;

const HUGE = 2n ** 256n - 1n;
const orNull = <T>(values: T[]) => fc.constantFrom(...values, null);
const sample: fc.Arbitrary<Sample> = fc.record({
  chain_id: fc.constantFrom(1, 10),
  name: fc.stringMatching(/^[a-d]{1,3}$/),
  kind: orNull(["x", "y", "é\"'\\"]),
  amount: orNull(["0", "7", "10", String(HUGE), String(HUGE - 1n)]),
  size: orNull([0, 1, -5, 2 ** 31 - 1]),
  at: fc.constantFrom("1", "2", "30"),
});
const samples = (maxLength: number) =>
  fc.uniqueArray(sample, { maxLength, selector: ({ chain_id, name }) => `${chain_id}:${name}` });
const order: fc.Arbitrary<Order> = fc.record({
  column: fc.constantFrom("chain_id", "name", "kind", "amount", "size", "at"),
  direction: fc.constantFrom("asc", "desc"),
  nulls: fc.constantFrom("first", "last"),
});
const orders = fc.uniqueArray(order, { maxLength: 4, selector: ({ column }) => column });

const FILTERS: Record<string, Condition[][]> = {
  everything: [[]],
  "one chain": [[sql`chain_id = ${10}`]],
  "a range of amounts": [inRange("amount", { min: "7", max: String(HUGE - 1n) })],
  "a range of amounts, or a kind without": [
    inRange("amount", { max: "10" }),
    [sql`amount is null`, ...equal("kind", "x")],
  ],
  "either of two": [[sql`kind = ${"x"}`], [sql`kind is distinct from ${"x"} and size = ${1}`]],
  "nothing at all": [[sql`false`]],
};

let world: TestWorld;
let pool: pg.Pool;
let db: Kysely<unknown>;

beforeAll(async () => {
  world = await TestWorld.create();
  pool = new pg.Pool({ connectionString: await world.createDatabase(), types: columnParsers });
  db = new Kysely({ dialect: new PostgresDialect({ pool }) });
  await pool.query(`
    create schema escrow;
    create table escrow.sample (
      chain_id bigint, name text, kind text, amount numeric(78), size integer,
      at numeric(78) not null, primary key (chain_id, name))`);
});
afterAll(async () => {
  await db.destroy();
  await world.end();
});

describe("a page", () => {
  test("any filter, order and page size give each row once, in order, from either end", async () => {
    await fc.assert(
      fc.asyncProperty(
        samples(25),
        fc.constantFrom(...Object.keys(FILTERS)),
        orders,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom("forward", "backward"),
        async (rows, filter, order, limit, toward) => {
          await hold(rows);
          const query: Query = { view: SAMPLE, anyOf: FILTERS[filter] ?? [], order, toward };
          const paged = await everyPage(query, limit);
          const whole = await readPage(db, { ...query, limit: 100, cursor: null });
          expect(paged).toEqual(whole.rows);
          expect(namesOf(paged)).toEqual(await inOrder(order, filter));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("rows that are added between pages neither repeat nor hide one that was there", async () => {
    await fc.assert(
      fc.asyncProperty(
        samples(20),
        samples(20),
        orders,
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom("forward", "backward"),
        async (rows, additions, order, limit, toward) => {
          await hold(rows);
          const names = namesOf(rows);
          const added = additions.filter((row) => !names.includes(nameOf(row)));
          const paged = await everyPage({ view: SAMPLE, anyOf: [[]], order, toward }, limit, () =>
            add(added.splice(0, 2)),
          );
          const seen = namesOf(paged);
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen.filter((name) => names.includes(name)).sort()).toEqual(names.sort());
        },
      ),
      { numRuns: 150 },
    );
  });

  test("reads the columns that are asked for, and those that its cursors need", async () => {
    await hold([{ chain_id: 1, name: "a", kind: "x", amount: String(HUGE), size: null, at: "1" }]);
    const { rows } = await readPage(db, {
      view: SAMPLE,
      columns: ["size"],
      anyOf: [[]],
      order: [{ column: "amount", direction: "desc", nulls: "last" }],
      limit: 1,
      toward: "forward",
      cursor: null,
    });
    expect(rows).toEqual([{ chain_id: 1, name: "a", amount: String(HUGE), size: null }]);
  });
});

describe("a cursor", () => {
  const byAmount: Query = {
    view: SAMPLE,
    anyOf: [[]],
    order: [{ column: "amount", direction: "asc", nulls: "last" }],
    toward: "forward",
  };
  const read = (cursor: string, query = byAmount) => readPage(db, { ...query, limit: 1, cursor });

  test("of another ordering is refused", async () => {
    await hold([{ chain_id: 1, name: "a", kind: "x", amount: "5", size: null, at: "1" }]);
    const page = await readPage(db, { ...byAmount, limit: 1, cursor: null });
    const cursor = page.rows.map(page.cursorOf).join();
    await expect(read(cursor)).resolves.toMatchObject({ rows: [] });
    const other: Query = {
      ...byAmount,
      order: [{ column: "amount", direction: "desc", nulls: "last" }],
    };
    await expect(read(cursor, other)).rejects.toThrow(/of another ordering/);
  });

  test("that is damaged is refused before it comes near the database", async () => {
    const order = "amount asc last, chain_id asc last, name asc last";
    const forged = [
      ["7", 1],
      ["7", 1, "a", "b"],
      [7, 1, "a"],
      ["7e99", 1, "a"],
      ["7".repeat(79), 1, "a"],
      ["7", 1.5, "a"],
      ["7", 2 ** 70, "a"],
      ["7", null, "a"],
      ["7", 1, "a\0"],
      ["7", 1, { toPostgres: "a" }],
    ].map((place) => Buffer.from(JSON.stringify([order, ...place])).toString("base64url"));
    for (const cursor of [...forged, "", "%", "e30", "W10", "'; drop", "a".repeat(10_000)])
      await expect(read(cursor)).rejects.toThrow(InvalidCursor);
  });
});

async function everyPage(
  query: Query,
  limit: number,
  betweenPages: () => Promise<void> = async () => undefined,
): Promise<Sample[]> {
  const found: Sample[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < 100; pages++) {
    const page: Page<Sample> = await readPage(db, { ...query, limit, cursor });
    if (query.toward === "forward") found.push(...page.rows);
    else found.unshift(...page.rows);
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    const last = query.toward === "forward" ? page.rows.at(-1) : page.rows[0];
    const hasMore = query.toward === "forward" ? page.hasNextPage : page.hasPreviousPage;
    if (!hasMore || last === undefined) return found;
    cursor = page.cursorOf(last);
    await betweenPages();
  }
  throw new Error("the pages do not end");
}

/** What the database's own `order by` makes of the rows. */
async function inOrder(order: Order[], filter: string): Promise<string[]> {
  const direction = order.at(-1)?.direction ?? "asc";
  const terms = [
    ...order.map((each) => `${each.column} ${each.direction} nulls ${each.nulls}`),
    ...["chain_id", "name"].map((column) => `${column} ${direction}`),
  ];
  const conditions = sql.join(
    (FILTERS[filter] ?? []).map((all) => sql`(${sql.join([sql`true`, ...all], sql` and `)})`),
    sql` or `,
  );
  const { rows } = await sql<Sample>`
    select * from escrow.sample where ${conditions} order by ${sql.raw(terms.join(", "))}`.execute(
    db,
  );
  return namesOf(rows);
}

async function hold(rows: Sample[]): Promise<void> {
  await pool.query("delete from escrow.sample");
  await add(rows);
}

async function add(rows: Sample[]): Promise<void> {
  await pool.query(
    "insert into escrow.sample select * from json_populate_recordset(null::escrow.sample, $1)",
    [JSON.stringify(rows)],
  );
}

function namesOf(rows: Sample[]): string[] {
  return rows.map(nameOf);
}

function nameOf({ chain_id, name }: Sample): string {
  return `${chain_id}:${name}`;
}
