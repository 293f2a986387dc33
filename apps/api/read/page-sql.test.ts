import { sql } from "kysely";
import { expect, test } from "vitest";
import { equal, inRange, inTime } from "./conditions.ts";
import { planPage } from "./page.ts";
import type { Condition } from "./ranges.ts";
import { statements } from "./statements.ts";
import { ESCROW } from "./views.ts";

/** How many ranges of an index are read for the newest escrows of a filter. */
async function rangesRead(filter: Condition[]): Promise<number> {
  let asked = "";
  const db = statements(async (text) => {
    asked = text;
    return { rows: [] };
  });
  const { statement } = planPage({
    ...{ view: ESCROW, anyOf: [filter], limit: 50, toward: "forward", cursor: null },
    order: [{ column: "created_at", direction: "desc", nulls: "last" }],
  });
  await statement.execute(db);
  return asked.split('from "escrow"."escrow"').length - 1;
}

test.each<[string, Condition[], number]>([
  ["all of them", [], 2],
  ["those created in a time", inTime("created_at", { before: "1700000000" }), 1],
  ["those of an amount", inRange("amount", { min: "1" }), 2],
  [
    "those created at a time, of a status",
    [...equal("status", "created"), ...equal("created_at", "7")],
    1,
  ],
  ["those of a condition that says nothing of nulls", [sql`created_at is distinct from 7`], 2],
])(
  "Rows without a time are looked for only where there may be some: %s",
  async (_what, filter, ranges) => {
    expect(await rangesRead(filter)).toBe(ranges);
  },
);
