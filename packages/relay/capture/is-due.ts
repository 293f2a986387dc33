import { type RawBuilder, sql } from "kysely";
import type { Finality } from "../journal/publication.ts";

/**
 * A finality policy as a condition on an outbox row `o`.
 *
 * @param final SQL for the position up to which the row's line is final and cleared
 * @param head SQL for the height of the last block of the row's line
 */
export function isDue(
  finality: Finality,
  final: RawBuilder<unknown>,
  head: RawBuilder<unknown>,
): RawBuilder<boolean> {
  if (finality === "latest") return sql`true`;
  if (finality === "finalized") return sql`o.position <= ${final}`;
  return sql`o.height <= ${head} - ${finality.confirmations}::bigint`;
}
