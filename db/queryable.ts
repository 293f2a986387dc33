import type pg from "pg";

/** A connection or a pool, as far as it is asked single questions. */
export type Queryable = Pick<pg.ClientBase, "query">;
