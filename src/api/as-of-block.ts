import { sql } from "ponder";
import { parseWhole } from "./parse-query.ts";
import { badRequest, notFound } from "./request-error.ts";
import type { Snapshot } from "./snapshot.ts";

/** The block that an answer is of, and whether a reorg may still revert it. */
export type AsOf = { block: number; is_final: boolean };

type HeadRow = { chain_id: string; indexed_block: string; final_block: string };

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
    select chain_id, indexed_block, final_block from escrow.chain_progress order by chain_id`);
  const heads = rows as HeadRow[];
  const head = heads.find(({ chain_id }) => Number(chain_id) === chainId);
  if (head === undefined) {
    const followed = heads.map(({ chain_id }) => chain_id).join(", ") || "none yet";
    throw notFound(`chain ${chainId} is not followed here (followed: ${followed})`);
  }
  const indexed = Number(head.indexed_block);
  if (block > indexed)
    throw badRequest(
      "asOfBlock",
      `block ${block} of chain ${chainId} is not indexed: the indexed head is block ${indexed}`,
    );
  return { block, is_final: block <= Number(head.final_block) };
}
