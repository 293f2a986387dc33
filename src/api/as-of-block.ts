import { sql } from "ponder";
import { parseWhole } from "./parse-query.ts";
import { badRequest, notFound } from "./request-error.ts";
import type { Snapshot } from "./snapshot.ts";

/** The block that an answer is of, and whether the engine still could take it back. */
export type AsOf = { block: number; is_final: boolean };

type HeadRow = { chain_id: string; latest: string; finalized: string; is_ready: boolean };

/** @throws 400 unless it is a block number, or absent */
export function parseAsOfBlock(value: string | undefined): number | null {
  return value === undefined
    ? null
    : parseWhole("asOfBlock", value, { min: 0, max: Number.MAX_SAFE_INTEGER });
}

/**
 * Makes sure that a chain is indexed up to a block.
 *
 * @throws 400 for a block above the indexed head, which it names; 404 for a chain that is not
 *   followed
 */
export async function checkAsOfBlock(
  snapshot: Snapshot,
  chainId: number,
  block: number,
): Promise<AsOf> {
  const { rows } = await snapshot.execute(sql`
    select c.chain_id, c.latest_checkpoint as latest, c.finalized_checkpoint as finalized,
           coalesce((m.value ->> 'is_ready')::int = 1, false) as is_ready
    from _ponder_checkpoint c left join _ponder_meta m on m.key = 'app'
    order by c.chain_id`);
  const heads = rows as HeadRow[];
  const head = heads.find(({ chain_id }) => Number(chain_id) === chainId);
  if (head === undefined) {
    const followed = heads.map(({ chain_id }) => chain_id).join(", ") || "none yet";
    throw notFound(`chain ${chainId} is not followed here (followed: ${followed})`);
  }
  // During the backfill a commit may fall within a block; the one before it is whole.
  const indexed = Math.max(0, blockOf(head.latest) - (head.is_ready ? 0 : 1));
  if (block > indexed)
    throw badRequest(
      "asOfBlock",
      `block ${block} of chain ${chainId} is not indexed: the indexed head is block ${indexed}`,
    );
  return { block, is_final: block <= blockOf(head.finalized) };
}

/** The engine's checkpoint: 10 digits of time, 16 of chain, 16 of block, and so on. */
function blockOf(checkpoint: string): number {
  return Number(checkpoint.slice(26, 42));
}
