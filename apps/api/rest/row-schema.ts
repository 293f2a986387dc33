import { z } from "@hono/zod-openapi";
import type { ColumnType, View } from "../read/view.ts";

const OF_COLUMN: Record<ColumnType, () => z.ZodType> = {
  int4: () => z.int(),
  int8: () => z.int(),
  numeric: () => z.string().openapi({ description: "A whole number in decimal digits." }),
  text: () => z.string(),
  "text[]": () => z.array(z.string()),
  jsonb: () => z.record(z.string(), z.unknown()),
};

/** A name of the OpenAPI document has one schema. */
const SCHEMAS = new Map<string, z.ZodObject>();

/** A row of a view as REST answers it: names as in SQL, integers beyond 2^53 as decimal text. */
export function rowSchema(view: View<never>, name: string): z.ZodObject {
  const known = SCHEMAS.get(name);
  if (known !== undefined) return known;
  const shape = Object.fromEntries(
    [...view.columns].map(([column, { type, isNullable }]) => {
      const plain = OF_COLUMN[type]();
      return [column, isNullable ? plain.nullable() : plain];
    }),
  );
  const schema = z.object(shape).openapi(name);
  SCHEMAS.set(name, schema);
  return schema;
}
