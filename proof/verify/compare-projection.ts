import { sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { ShadowTable } from "./shadow-table.ts";

/** One row that is not what the events make of it. */
export type RowDifference = {
  projection: string;
  /** The primary key's values, separated by colons. */
  key: string;
  /** `extra` stands in the read model only, `missing` in the fold only. */
  kind: "changed" | "extra" | "missing";
  /** The columns that differ, as text. */
  columns: { column: string; stored: string | null; folded: string | null }[];
};

export type Comparison = {
  projection: string;
  /** Rows of the fold. */
  rows: number;
  differing: number;
  /** The first of them, in order of the key. */
  differences: RowDifference[];
};

type Found = {
  kind: RowDifference["kind"];
  key: string;
  stored: Record<string, string | null> | null;
  folded: Record<string, string | null> | null;
  total: string;
};

/**
 * Compares a read model with its fold, as sets of rows.
 *
 * @param schema of the read model
 * @param limit differing rows to return, at the most
 */
export async function compareProjection(
  database: FrozenDatabase,
  schema: string,
  shadow: ShadowTable,
  limit: number,
): Promise<Comparison> {
  await shadow.analyze();
  const isSameKey = sql.join(
    shadow.key.map((name) => sql`s.${sql.id(name)} = f.${sql.id(name)}`),
    sql` and `,
  );
  const key = shadow.key.map((name) => sql`coalesce(s.${sql.id(name)}, f.${sql.id(name)})`);
  const keyText = key.map((part) => sql`${part}::text`);
  const [count] = await database.read(
    sql<{ rows: string }>`select count(*) as rows from ${shadow.id}`,
  );
  // Numbers beyond 2^53 have to come as text: JSON's own would be rounded when it is read.
  const asText = (alias: "s" | "f") =>
    sql`(select jsonb_object_agg(column_name, value)
         from jsonb_each_text(to_jsonb(${sql.ref(alias)})) as c (column_name, value))`;
  const found = await database.read(
    sql<Found>`
      select case when f.here is null then 'extra' when s.here is null then 'missing'
                  else 'changed' end as kind,
             concat_ws(':', ${sql.join(keyText)}) as key,
             case when s.here is not null then ${asText("s")} end as stored,
             case when f.here is not null then ${asText("f")} end as folded,
             count(*) over () as total
      from (select 1 as here, * from ${sql.id(schema, shadow.table)}) s
      full join (select 1 as here, * from ${shadow.id}) f on ${isSameKey}
      where s is distinct from f
      order by ${sql.join(key)}
      limit ${limit}`,
  );
  return {
    projection: shadow.table,
    rows: Number(count?.rows ?? 0),
    differing: Number(found[0]?.total ?? 0),
    differences: found.map((row) => ({
      projection: shadow.table,
      key: row.key,
      kind: row.kind,
      columns: columnsOf(shadow, row),
    })),
  };
}

function columnsOf(shadow: ShadowTable, { stored, folded }: Found): RowDifference["columns"] {
  return shadow.columns
    .map(({ name }) => ({
      column: name,
      stored: stored?.[name] ?? null,
      folded: folded?.[name] ?? null,
    }))
    .filter((each) => each.stored !== each.folded);
}

/** A difference for a person: the columns, or that the row is only on one side. */
export function differenceInWords({ kind, columns }: RowDifference): string {
  if (kind === "extra") return "no event makes this row";
  if (kind === "missing") return "the events make this row, and it is not there";
  return columns
    .map(({ column, stored, folded }) => `${column} stored ${stored}, folded ${folded}`)
    .join("; ");
}
