import type pg from "pg";
import type { Queryable } from "../../db/queryable.ts";
import { blockOf, compareCheckpoints } from "../../engine/checkpoint.ts";
import { readEngineState } from "../../engine/deployment/engine-state.ts";
import { type ComparedTable, rowsAt } from "../../engine/deployment/rows-at.ts";
import { tablesOf } from "../../engine/deployment/viewed-deployment.ts";
import { rowsUpTo } from "./rows-up-to.ts";

export type Difference = {
  table: string;
  key: Row;
  /** `missing`: only the replayed deployment has the row; `extra`: only the live one. */
  kind: "missing" | "extra" | "differing";
  /** Columns that differ, with what each of the two says. */
  columns: Record<string, { live: string | null; replayed: string | null }>;
};

/** Values as PostgreSQL writes them. */
type Row = Record<string, string | null>;

export type Comparison = {
  /** Up to which block of each chain. */
  blocks: Record<number, number>;
  tables: { name: string; rows: number; differences: number }[];
  /** Tables that tell nothing about that block. */
  notCompared: string[];
  /** Not more of each table than the limit. */
  samples: Difference[];
  total: number;
};

type Counts = { rows: string; missing: string; extra: string; differing: string };
type Cut = { chainId: number; checkpoint: string }[];

/**
 * Compares two deployments of one build row by row. Without `toBlocks`, as they stood at the later
 * one of their final blocks, on each chain; with it, what nothing has touched since those blocks.
 *
 * Everything is read in one snapshot, but each table in a transaction of its own: the engine has to
 * change a table's triggers on a reorg, and readers would wait behind it.
 *
 * @param open opens another connection to the database
 * @param limit samples of each table
 * @returns null while one of them is not as far as the other one's final block
 */
export async function compareDeployments(
  open: () => Promise<pg.Client>,
  live: string,
  replayed: string,
  { toBlocks, limit }: { toBlocks: Record<number, number> | null; limit: number },
): Promise<Comparison | null> {
  const keeper = await open();
  const reader = await open();
  try {
    await keeper.query("begin isolation level repeatable read read only");
    const { rows } = await keeper.query("select pg_export_snapshot() as snapshot");
    const cut = toBlocks === null ? await commonCut(keeper, live, replayed) : cutAt(toBlocks);
    if (cut === null) return null;
    const result: Comparison = {
      blocks: Object.fromEntries(
        cut.map(({ chainId, checkpoint }) => [
          chainId,
          toBlocks === null ? blockOf(checkpoint) : Number(checkpoint),
        ]),
      ),
      tables: [],
      notCompared: [],
      samples: [],
      total: 0,
    };
    for (const name of (await tablesOf(keeper, replayed)) ?? []) {
      const table = await describeTable(keeper, replayed, name);
      const sides = [live, replayed].map((schema) =>
        toBlocks === null ? rowsAt(schema, table) : rowsUpTo(schema, table, live, replayed),
      );
      const [left, right] = sides;
      if (!left || !right) {
        result.notCompared.push(name);
        continue;
      }
      await reader.query("begin isolation level repeatable read read only");
      await reader.query(`set transaction snapshot '${rows[0].snapshot}'`);
      await compareTable(reader, table, joined(table, cut, left, right), limit, result);
      await reader.query("commit");
    }
    return result;
  } finally {
    await Promise.all([keeper.end(), reader.end()]);
  }
}

async function compareTable(
  reader: pg.Client,
  table: ComparedTable,
  from: string,
  limit: number,
  result: Comparison,
): Promise<void> {
  const isDiffering = differs(table);
  const { rows } = await reader.query<Counts>(
    `${from} select count(*) as rows,
       count(*) filter (where l.is_there is null) as missing,
       count(*) filter (where r.is_there is null) as extra,
       count(*) filter (where l.is_there and r.is_there and ${isDiffering}) as differing
     from ${bothSides(table)}`,
  );
  const [counts] = rows;
  const differences = Number(counts?.missing) + Number(counts?.extra) + Number(counts?.differing);
  result.tables.push({ name: table.name, rows: Number(counts?.rows), differences });
  result.total += differences;
  if (differences === 0) return;
  const order = table.key.map((column) => `coalesce(l."${column}", r."${column}")`).join(", ");
  const found = await reader.query(
    `${from} select ${asText(table, "l")} as live, ${asText(table, "r")} as replayed
     from ${bothSides(table)}
     where l.is_there is null or r.is_there is null or ${isDiffering}
     order by ${order} limit ${limit}`,
  );
  for (const { live, replayed } of found.rows)
    result.samples.push(toDifference(table, live, replayed));
}

/** Both sides of a table as relations `l` and `r`. */
function joined(table: ComparedTable, cut: Cut, left: string, right: string): string {
  const values = cut.map(({ chainId, checkpoint }) => `(${chainId}::bigint, '${checkpoint}')`);
  return `/* compare ${table.name} */
    with c (chain_id, checkpoint) as (values ${values.join(", ")}),
    l as (select *, true as is_there from (${left}) rows_of_live),
    r as (select *, true as is_there from (${right}) rows_of_replayed)`;
}

function bothSides({ key }: ComparedTable): string {
  return `l full join r on ${key.map((column) => `l."${column}" = r."${column}"`).join(" and ")}`;
}

/** Every column as PostgreSQL writes it: JSON numbers would lose digits. */
function asText({ columns }: ComparedTable, side: string): string {
  const pairs = columns.map((column) => `'${column}', ${side}."${column}"::text`);
  return `case when ${side}.is_there then jsonb_build_object(${pairs.join(", ")}) end`;
}

function differs({ columns }: ComparedTable): string {
  const row = (side: string): string => columns.map((each) => `${side}."${each}"`).join(", ");
  return `row(${row("l")}) is distinct from row(${row("r")})`;
}

function toDifference(
  { name, key }: ComparedTable,
  live: Row | null,
  replayed: Row | null,
): Difference {
  const some = live ?? replayed ?? {};
  const columns: Difference["columns"] = {};
  if (live !== null && replayed !== null)
    for (const column of Object.keys(live))
      if (live[column] !== replayed[column])
        columns[column] = { live: live[column] ?? null, replayed: replayed[column] ?? null };
  return {
    table: name,
    key: Object.fromEntries(key.map((column) => [column, some[column] ?? null])),
    kind: live === null ? "missing" : replayed === null ? "extra" : "differing",
    columns,
  };
}

/** The later final checkpoint of each chain, if both are as far; neither can look further back. */
async function commonCut(db: Queryable, live: string, replayed: string): Promise<Cut | null> {
  const [old, next] = await Promise.all([readEngineState(db, live), readEngineState(db, replayed)]);
  if (!old.isReady || !next.isReady) return null;
  const cut: Cut = [];
  for (const one of old.chains) {
    const other = next.chains.find(({ chainId }) => chainId === one.chainId);
    if (other === undefined) return null;
    const [, checkpoint = ""] = [one.finalized, other.finalized].sort(compareCheckpoints);
    if (one.latest < checkpoint || other.latest < checkpoint) return null;
    cut.push({ chainId: one.chainId, checkpoint });
  }
  return cut;
}

function cutAt(toBlocks: Record<number, number>): Cut {
  return Object.entries(toBlocks).map(([chainId, block]) => ({
    chainId: Number(chainId),
    checkpoint: String(block),
  }));
}

async function describeTable(db: Queryable, schema: string, name: string): Promise<ComparedTable> {
  const { rows } = await db.query(
    `select a.attname as column, a.attnum = any (coalesce(k.conkey, '{}')) as "isKey"
     from pg_attribute a
     left join pg_constraint k on k.conrelid = a.attrelid and k.contype = 'p'
     where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
     order by a.attnum`,
    [`"${schema}"."${name}"`],
  );
  return {
    name,
    columns: rows.map(({ column }) => column),
    key: rows.filter(({ isKey }) => isKey).map(({ column }) => column),
  };
}
