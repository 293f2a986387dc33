import { query } from "../parts/start-database.ts";
import type { Facts } from "./place.ts";

/** The names that an indexer's tables and columns have. */
export type FactTables = {
  /** Relation with block_number, log_index, type and the column of `escrowColumn`. */
  events: string;
  escrowColumn: string;
  /** Relation with status, arbiter, amount and the column of `addressColumn`. */
  escrows: string;
  addressColumn: string;
  /** An expression for the arbiter that events alone tell; the column of that name unless given. */
  arbiter?: string;
  /** A query for one number: 0 when the indexer finds nothing wrong itself. */
  faults?: string;
};

/** Reads what an indexer wrote, so that it can be held against what the others wrote. */
export async function readFacts(url: string, tables: FactTables): Promise<Facts> {
  const { events, escrowColumn, escrows, addressColumn } = tables;
  const { arbiter = "arbiter", faults = "0" } = tables;
  const [facts] = await query<Facts>(
    url,
    `select e.*, s.*, (${faults})::int as faults from (
       select count(*)::int as events,
              md5(string_agg(concat_ws('/', block_number, log_index, type, ${escrowColumn}), ','
                             order by block_number, log_index)) as "eventsHash"
       from ${events}) as e, (
       select count(*)::int as escrows,
              md5(string_agg(concat_ws('/', ${addressColumn}, status,
                                        nullif(${arbiter}, '0x' || repeat('0', 40)), amount), ','
                             order by ${addressColumn})) as "statesHash"
       from ${escrows}) as s`,
  );
  if (facts === undefined) throw new Error("no facts");
  return facts;
}
