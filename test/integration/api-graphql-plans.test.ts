import { type ExecutionResult, execute, parse } from "graphql";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { QueryContext } from "../../apps/api/graphql/query-context.ts";
import { createSchema } from "../../apps/api/graphql/schema.ts";
import { columnParsers } from "../../apps/api/read/column-parsers.ts";
import { manyEscrowsSql } from "../support/many-escrows.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";

/*
 * What PostgreSQL looks at for the questions that are asked most, on 100,000 escrows: no more rows
 * than a few pages have, whatever else there is.
 */

const ESCROWS = 100_000;
/** Half of all escrows are theirs. */
const HOT = `0x${"a".repeat(40)}`;
const ONE = `0x${"0".repeat(35)}12345`;

type Plan = {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  Plans?: Plan[];
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
  // The database ends before the last of them has.
  pool.on("connect", (client) => client.on("error", () => undefined));
  const deployment = await StandInDeployment.create(pool);
  await pool.query(manyEscrowsSql(deployment.schema, { escrows: ESCROWS, hotParty: HOT }));
  db = new Kysely({
    dialect: new PostgresDialect({ pool }),
    log: ({ query }) => void asked.push(query),
  });
});
afterAll(async () => {
  await db.destroy();
  await world.stop();
});

async function rowsLookedAt(question: string): Promise<number> {
  asked = [];
  const contextValue = new QueryContext({
    db,
    progress: { isReady: true, isCaughtUp: true, chains: [], standbyLagSeconds: null },
    signal: new AbortController().signal,
  });
  const answer = (await execute({
    schema,
    document: parse(question),
    contextValue,
  })) as ExecutionResult;
  expect(answer.errors).toBeUndefined();
  let rows = 0;
  for (const { sql, parameters } of asked.splice(0)) {
    const { rows: plans } = await pool.query(`explain (analyze, format json) ${sql}`, [
      ...parameters,
    ]);
    rows += lookedAt(plans[0]["QUERY PLAN"][0].Plan);
  }
  return rows;
}

/** Rows that scans of tables found or threw away. */
function lookedAt(plan: Plan): number {
  const own =
    plan["Relation Name"] === undefined
      ? 0
      : (plan["Actual Rows"] + (plan["Rows Removed by Filter"] ?? 0)) * plan["Actual Loops"];
  return own + (plan.Plans ?? []).map(lookedAt).reduce((sum, each) => sum + each, 0);
}

describe("a question on 100,000 escrows looks at the rows of a few pages, through an index", () => {
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
    expect(await rowsLookedAt(question)).toBeLessThan(1_000);
  });

  test("a page far from the first costs no more than the first", async () => {
    const question = (after: string) =>
      `{ escrows(first: 200, after: ${after}) { pageInfo { endCursor } } }`;
    let cursor = "null";
    for (let page = 0; page < 20; page++) {
      expect(await rowsLookedAt(question(cursor))).toBeLessThan(1_000);
      const contextValue = new QueryContext({
        db,
        progress: { isReady: true, isCaughtUp: true, chains: [], standbyLagSeconds: null },
        signal: new AbortController().signal,
      });
      const { data } = (await execute({
        schema,
        document: parse(question(cursor)),
        contextValue,
      })) as { data: { escrows: { pageInfo: { endCursor: string } } } };
      cursor = JSON.stringify(data.escrows.pageInfo.endCursor);
    }
  });
});
