import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FeedBounds } from "../../apps/api/feed/feed-row.ts";
import { FeedSource } from "../../apps/api/feed/feed-source.ts";
import { columnParsers } from "../../apps/api/read/column-parsers.ts";
import { DatabaseWatch } from "../../apps/api/read/database-watch.ts";
import { JournalWriter } from "../support/journal-writer.ts";
import { RelayWorld, silent } from "../support/relay-world.ts";

/* What PostgreSQL looks at for a page of the feed, whatever else there is: a page. */

const MESSAGES = 10_000;
const KEYS = 200;
const LIMIT = 100;

type Plan = {
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  Plans?: Plan[];
};

const world = new RelayWorld();
let pool: pg.Pool;
let source: FeedSource;
let bounds: FeedBounds;
let asked: [text: string, values: unknown[]][] = [];

beforeAll(async () => {
  await world.start();
  const { url } = await world.database();
  pool = new pg.Pool({ connectionString: url, types: columnParsers });
  pool.on("error", () => undefined);
  const { topic } = await JournalWriter.create(pool);
  await pool.query(`
    insert into relay.ordering_key (publication_id, ordering_key, partition, last_sequence)
      select 1, 'key-' || k, 0, ${MESSAGES / KEYS} from generate_series(1, ${KEYS}) k;
    insert into relay.message (publication_id, ordering_key, sequence, event_id, chain_id,
        block_number, block_hash, position, body, source_attributes)
      select 1, 'key-' || (n % ${KEYS} + 1), n / ${KEYS} + 1, 'e-' || n, 7, n, '0x', n, repeat('x', 500), '{}'
      from generate_series(0, ${MESSAGES - 1}) n;
    analyze relay.message; analyze relay.ordering_key;`);
  const noting = {
    query: (text: string, values: unknown[]) => {
      asked.push([text, values]);
      return pool.query(text, values);
    },
  } as unknown as pg.Pool;
  const watch = new DatabaseWatch({ pool, log: silent });
  source = new FeedSource({ pool: noting, watch, log: silent });
  bounds = (await source.bounds(topic)) as FeedBounds;
});
afterAll(async () => {
  await pool?.end();
  await world.stop();
});

/** Rows that scans of tables found or threw away, in everything that was asked. */
async function rowsLookedAt(read: () => Promise<unknown>): Promise<number> {
  asked = [];
  await read();
  let rows = 0;
  for (const [text, values] of asked.splice(0)) {
    const { rows: plans } = await pool.query(`explain (analyze, format json) ${text}`, values);
    rows += lookedAt(plans[0]["QUERY PLAN"][0].Plan);
  }
  return rows;
}

function lookedAt(plan: Plan): number {
  const found = plan["Actual Rows"] + (plan["Rows Removed by Filter"] ?? 0);
  const own = plan["Relation Name"] === undefined ? 0 : found * plan["Actual Loops"];
  return (plan.Plans ?? []).reduce((sum, each) => sum + lookedAt(each), own);
}

test.each([
  ["at the beginning", 0],
  ["in the middle", MESSAGES / 2],
  ["at the end", MESSAGES - LIMIT],
  ["behind everything", MESSAGES],
])("A page %s looks at no more than its own rows, whatever else there is", async (_, after) => {
  const rows = await rowsLookedAt(async () => {
    const page = await source.page(bounds, { after, limit: LIMIT });
    expect(page.rows).toHaveLength(Math.min(LIMIT, MESSAGES - after));
  });
  // Its place, the message and the key of each; publication and counters.
  expect(rows).toBeLessThan(8 * LIMIT);
});

test("Neither how far the feeds are nor what a retraction retracts takes a look at all of them", async () => {
  expect(await rowsLookedAt(() => source.publications(true))).toBeLessThan(10);
  const ids = ["e-1", "e-2000", "e-9999"];
  const rows = await rowsLookedAt(async () => {
    expect((await source.bodies(bounds, ids)).size).toBe(ids.length);
  });
  // The planner may take all keys at once where they are few.
  expect(rows).toBeLessThan(KEYS + 100);
});
