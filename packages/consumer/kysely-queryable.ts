import { CompiledQuery, type Kysely } from "kysely";
import type { Queryable } from "./queryable.ts";

/** Lets `applyOnce` work inside a transaction of Kysely on PostgreSQL. */
export function kyselyQueryable<Database>(transaction: Kysely<Database>): Queryable {
  return {
    query: (text, values = []) => transaction.executeQuery(CompiledQuery.raw(text, values)),
  };
}
