import { type RawBuilder, sql } from "kysely";
import type { Finality } from "../journal/publication.ts";

/**
 * A finality policy as a condition on an outbox row `o`.
 *
 * @param finalized SQL for the engine's finalized checkpoint of the row's chain
 * @param head SQL for the number of the last indexed block of the row's chain
 */
export function isDue(
  finality: Finality,
  finalized: RawBuilder<unknown>,
  head: RawBuilder<unknown>,
): RawBuilder<boolean> {
  if (finality === "latest") return sql`true`;
  if (finality === "finalized") return sql`o.position <= ${finalized}`;
  return sql`o.block_number <= ${head} - ${finality.confirmations}::bigint`;
}

/** SQL for the block number inside a checkpoint (ponder 0.17, `src/utils/checkpoint.ts`). */
export function blockNumberOf(checkpoint: RawBuilder<unknown>): RawBuilder<number> {
  return sql`substring(${checkpoint}, 27, 16)::bigint`;
}
