import pg from "pg";

const { INT8 } = pg.types.builtins;

/**
 * For a pool's option `types`. Chain ids, block numbers and counts are 64-bit in the database and
 * never beyond 2^53; everything that may be is numeric and stays a decimal string.
 */
export const columnParsers: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === INT8 && format !== "binary"
      ? Number
      : (pg.types.getTypeParser(oid, format as "text") as (value: string) => unknown),
};
