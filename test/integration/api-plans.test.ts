import { z } from "@hono/zod-openapi";
import { type ExecutionResult, execute, parse } from "graphql";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { QueryContext } from "../../apps/api/graphql/query-context.ts";
import { createSchema } from "../../apps/api/graphql/schema.ts";
import { columnParsers } from "../../apps/api/read/column-parsers.ts";
import type { Snapshot } from "../../apps/api/read/consistent-reads.ts";
import { type Progress, progressQuery } from "../../apps/api/read/progress.ts";
import type { Route } from "../../apps/api/rest/add-route.ts";
import { escrowApprovals } from "../../apps/api/rest/lists/escrow-approvals.ts";
import { escrowEvents } from "../../apps/api/rest/lists/escrow-events.ts";
import { escrows } from "../../apps/api/rest/lists/escrows.ts";
import { parties } from "../../apps/api/rest/lists/parties.ts";
import { settlementMinutes } from "../../apps/api/rest/lists/settlement-minutes.ts";
import { settlements } from "../../apps/api/rest/lists/settlements.ts";
import { stats } from "../../apps/api/rest/lists/stats.ts";
import { oneEscrow } from "../../apps/api/rest/one-escrow.ts";
import { oneParty } from "../../apps/api/rest/one-party.ts";
import { ensureProgressView } from "../../engine/ensure-progress-view.ts";
import { manyEscrowsSql } from "../support/many-escrows.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";

/*
 * What PostgreSQL looks at for the questions that are asked most: no more rows than a few pages have,
 * whatever else there is, through an index. PLAN_ESCROWS says how many there are; the plans are the
 * same with a million, which takes minutes to make.
 */

const ESCROWS = Number(process.env.PLAN_ESCROWS ?? 100_000);
const CHAIN = 1;
/** Half of all escrows are theirs. */
const HOT = `0x${"a".repeat(40)}`;
const ONE = `0x${"0".repeat(35)}12345`;
/** Has a hundred escrows as payee, and is asked for with what it has least of. */
const RARE = `0x${"7".padStart(40, "c")}`;
const MAX_ROWS = 1_000;

type Plan = {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  Plans?: Plan[];
};

const PROGRESS: Progress = {
  ...{ isReady: true, isCaughtUp: true, standbyLagSeconds: null },
  chains: [
    {
      ...{ chainId: CHAIN, chainName: "one", events: 1, state: "" },
      ...{ indexed: { block: 10_000_000, at: 1 }, final: { block: 1, at: 1 }, verified: null },
    },
  ],
};

const world = new RelayWorld();
const schema = createSchema();
let pool: pg.Pool;
let db: Kysely<unknown>;
let asked: { sql: string; parameters: readonly unknown[] }[] = [];

beforeAll(async () => {
  await world.start();
  const { url } = await world.database();
  pool = new pg.Pool({ connectionString: url, types: columnParsers });
  // One connection in one transaction: the past is read with cursors.
  const reader = new pg.Pool({ connectionString: url, types: columnParsers, max: 1 });
  // The database ends before the last of them has.
  for (const each of [pool, reader])
    each.on("connect", (client) => client.on("error", () => undefined));
  const deployment = await StandInDeployment.create(pool);
  const client = await pool.connect();
  await ensureProgressView(client as unknown as pg.Client);
  client.release();
  await pool.query(manyEscrowsSql(deployment.schema, { escrows: ESCROWS, hotParty: HOT }));
  db = new Kysely({
    dialect: new PostgresDialect({ pool: reader }),
    log: ({ query }) => void asked.push(query),
  });
  await reader.query("begin");
}, 900_000);
afterAll(async () => {
  // Each may be missing when the set-up failed.
  await db?.destroy();
  await pool?.end();
  await world.stop();
});

function snapshot(): Snapshot {
  return { db, progress: PROGRESS, signal: new AbortController().signal };
}

/** What the statements of some work look at, each explained as it was sent. */
async function rowsLookedAt(work: () => Promise<unknown>): Promise<number> {
  asked = [];
  await work();
  let rows = 0;
  for (const { sql, parameters } of asked.splice(0)) {
    const text = sql.replace(/^declare \S+ no scroll cursor for /, "");
    if (!/^\s*(select|with)/.test(text)) continue;
    const { rows: plans } = await pool.query(`explain (analyze, format json) ${text}`, [
      ...parameters,
    ]);
    rows += lookedAt(plans[0]["QUERY PLAN"][0].Plan);
  }
  return rows;
}

async function answer(question: string): Promise<ExecutionResult> {
  const contextValue = new QueryContext(snapshot());
  const found = await execute({ schema, document: parse(question), contextValue });
  expect(found.errors).toBeUndefined();
  return found;
}

/** Rows that scans of tables found or threw away. */
function lookedAt(plan: Plan): number {
  const own =
    plan["Relation Name"] === undefined
      ? 0
      : (plan["Actual Rows"] + (plan["Rows Removed by Filter"] ?? 0)) * plan["Actual Loops"];
  return own + (plan.Plans ?? []).map(lookedAt).reduce((sum, each) => sum + each, 0);
}

describe("A GraphQL question looks at the rows of a few pages, through an index", () => {
  test.each([
    ["the newest escrows", "{ escrows(first: 50) { nodes { address amount } } }"],
    ["of a status", "{ escrows(first: 50, where: { status: RELEASED }) { nodes { address } } }"],
    [
      "of several",
      "{ escrows(first: 50, where: { status: [CREATED, REFUNDED] }) { nodes { address } } }",
    ],
    [
      "of a party with half of all",
      `{ escrows(first: 50, where: { party: "${HOT}" }) { nodes { address } } }`,
    ],
    [
      "of a payer, the oldest first",
      `{ escrows(first: 50, where: { payer: "${HOT}" }, orderBy: { by: CREATED_AT }) { nodes { address } } }`,
    ],
    [
      "by amount, the largest first",
      "{ escrows(first: 50, orderBy: { by: AMOUNT, direction: DESC }) { nodes { address amount } } }",
    ],
    [
      "that may be released first",
      "{ escrows(first: 50, orderBy: { by: RELEASABLE_FROM }) { nodes { address releasableFrom } } }",
    ],
    [
      "the last of them, from the other end",
      "{ escrows(last: 50) { nodes { address createdAt } } }",
    ],
    [
      "created in a time",
      '{ escrows(first: 50, where: { createdAt: { from: "2023-11-15T00:00:00Z", before: "2023-11-16T00:00:00Z" } }) { nodes { address } } }',
    ],
    [
      "one escrow with all that belongs to it",
      `{ escrow(chainId: 1, address: "${ONE}") { status events { nodes { type payload } } approvals { nodes { approver } } settlement { outcome } payerTotals { payerOpenCount } } }`,
    ],
    [
      "a page with relations",
      "{ escrows(first: 50) { nodes { address events(first: 5) { nodes { type } } settlement { outcome } payeeTotals { payeeOpenCount } } } }",
    ],
    ["the newest events", "{ events(first: 50) { nodes { id type } } }"],
    ["events of a type", "{ events(first: 50, where: { type: EscrowReleased }) { nodes { id } } }"],
    [
      "events of an escrow",
      `{ events(first: 50, where: { chainId: 1, escrow: "${ONE}" }) { nodes { id } } }`,
    ],
    [
      "events of a time",
      '{ events(first: 50, where: { blockTimestamp: { from: "2023-11-15T00:00:00Z", before: "2023-11-15T01:00:00Z" } }) { nodes { id } } }',
    ],
    [
      "an escrow and its events at a block",
      `{ escrow(chainId: 1, address: "${ONE}", asOfBlock: 9000000) { status events { nodes { type } } approvals { nodes { approver } } } }`,
    ],
    [
      "events of a time and a type",
      '{ events(first: 50, where: { type: [Approved, EscrowReleased], blockTimestamp: { before: "2023-11-15T01:00:00Z" } }) { nodes { id } } }',
    ],
    [
      "events of blocks",
      "{ events(first: 50, where: { chainId: 1, blockNumber: { min: 500, max: 505 } }) { nodes { id } } }",
    ],
    [
      "settlements with what they belong to",
      "{ settlements(first: 50) { nodes { amount escrow { status approvals { nodes { approver event { blockNumber } } } } event { transactionHash } } } }",
    ],
    ["totals", "{ stats(chainId: 1) { events escrows openAmount } }"],
    ["settlements", "{ settlements(first: 50) { nodes { escrowAddress } } }"],
    [
      "settlements of a party",
      `{ settlements(first: 50, where: { beneficiary: "${HOT}" }) { nodes { escrowAddress } } }`,
    ],
    [
      "a party",
      `{ party(chainId: 1, address: "${HOT}") { payerOpenCount escrows(first: 50) { nodes { address } } received(first: 50) { nodes { amount } } } }`,
    ],
    ["parties", "{ parties(first: 50) { nodes { address } } }"],
    ["minutes", "{ settlementMinutes(first: 60) { nodes { minute releasedCount } } }"],
  ])("%s", async (_what, question) => {
    expect(await rowsLookedAt(() => answer(question))).toBeLessThan(MAX_ROWS);
  });

  test("a page far from the first costs no more than the first", async () => {
    const question = (after: string) =>
      `{ escrows(first: 200, after: ${after}) { pageInfo { endCursor } } }`;
    let cursor = "null";
    for (let page = 0; page < 20; page++) {
      expect(await rowsLookedAt(() => answer(question(cursor)))).toBeLessThan(MAX_ROWS);
      const { data } = (await answer(question(cursor))) as {
        data: { escrows: { pageInfo: { endCursor: string } } };
      };
      cursor = JSON.stringify(data.escrows.pageInfo.endCursor);
    }
  });
});

describe("A REST request looks at the rows of a few pages, through an index", () => {
  const of = (route: AnyRoute, query: Record<string, string>, params = {}) =>
    [`${route.path} ${new URLSearchParams(query)}`, route, query, params] as const;
  const one = { chain_id: CHAIN, address: ONE };
  const page = { limit: "50" };
  const byOrder = (orders: string[]) =>
    orders.flatMap((order_by) =>
      ["asc", "desc"].map((direction) => ({ ...page, order_by, direction })),
    );
  const orders = byOrder(["created_at", "amount", "releasable_from"]);
  test.each([
    ...[{}, { chain_id: "1" }].flatMap((filter) =>
      orders.map((order) => of(escrows, { ...filter, ...order })),
    ),
    // What half of all have or more, also where the order has another index.
    ...[{ payer: HOT }, { party: HOT }, { has_anomalies: "false" }, { amount_min: "1" }].flatMap(
      (filter) =>
        byOrder(["created_at", "amount"]).map((order) => of(escrows, { ...filter, ...order })),
    ),
    // What few have, in the order of its index.
    ...[
      ...[{ payee: RARE }, { party: RARE }, { party: RARE, role: "payee" }, { status: "refunded" }],
      ...[{ status: "created,refunded" }, { party: RARE, status: "released" }],
      { created_from: "1700090000", created_before: "1700099000" },
      { status: "released", created_before: "1700099000" },
    ].flatMap((filter) =>
      byOrder(["created_at"]).map((order) => of(escrows, { ...filter, ...order })),
    ),
    of(escrows, { ...page, amount_min: "1000000", order_by: "amount" }),
    of(escrows, { ...page, amount_max: "5", order_by: "amount", direction: "desc" }),
    of(escrows, { ...page, releasable_at: "1700005000", order_by: "releasable_from" }),
    of(oneEscrow, {}, one),
    of(oneEscrow, { as_of_block: "9000000" }, one),
    of(escrowEvents, page, one),
    of(escrowEvents, { ...page, type: "Approved", block_from: "1" }, one),
    of(escrowApprovals, page, one),
    ...byOrder(["settled_at"]).flatMap((order) =>
      [
        ...[{}, { chain_id: "1" }, { outcome: "released" }, { beneficiary: HOT }],
        ...[{ beneficiary: RARE }, { settled_from: "1700090000", settled_before: "1700099000" }],
      ].map((filter) => of(settlements, { ...filter, ...order })),
    ),
    of(settlementMinutes, page),
    of(settlementMinutes, { ...page, from: "1700090000", before: "1700099000" }),
    of(parties, page),
    of(parties, { ...page, address: HOT }),
    of(oneParty, {}, { chain_id: CHAIN, address: HOT }),
    of(stats, {}),
  ])("%s", async (_what, route, query, params) => {
    const input = { params, query: z.object(route.query).parse(query) };
    expect(await rowsLookedAt(() => route.read(snapshot(), input))).toBeLessThan(MAX_ROWS);
  });

  test("offers no other order", () => {
    const offered = [escrows, settlements].map(({ query }) => query.order_by);
    expect(offered.map((each) => JSON.stringify(z.toJSONSchema(each as z.ZodType)))).toEqual([
      expect.stringContaining('["created_at","amount","releasable_from"]'),
      expect.stringContaining('["settled_at"]'),
    ]);
  });
});

test("How far the index is is looked up through indexes", async () => {
  const rows = await rowsLookedAt(async () => {
    const { text } = progressQuery(false);
    asked.push({ sql: text, parameters: [] });
  });
  expect(rows).toBeLessThan(MAX_ROWS);
});

// biome-ignore lint/suspicious/noExplicitAny: routes of every kind
type AnyRoute = Route<any, any>;
