import type { Queryable } from "./queryable.ts";

/** Whether there is a table, view or index of that name. For any database user. */
export async function relationExists(
  db: Queryable,
  schema: string,
  name: string,
): Promise<boolean> {
  const { rows } = await db.query(
    "select to_regclass(format('%I.%I', $1::text, $2::text)) is not null as exists",
    [schema, name],
  );
  return rows[0].exists;
}
