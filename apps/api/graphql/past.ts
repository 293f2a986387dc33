import { Problem } from "../problem.ts";
import { chainOf } from "../read/chain-of.ts";
import { escrowAtBlock } from "../read/past/escrow-at-block.ts";
import { partyAtBlock } from "../read/past/party-at-block.ts";
import type { EscrowRow, PartyRow } from "../read/views.ts";
import { AS_OF, type MaybePast } from "./as-of.ts";
import type { QueryContext } from "./query-context.ts";

type Asked = { chainId: number; address: string; asOfBlock: number };

/** @throws Problem for a chain that is not followed, and a block that is not indexed */
export async function pastEscrow(asked: Asked, context: QueryContext) {
  return await ofThatTime<EscrowRow>(asked, context, async ({ chainId, address, asOfBlock }) => {
    const { escrow } = await escrowAtBlock(context.snapshot, chainId, address, asOfBlock);
    return escrow;
  });
}

/** @throws Problem like `pastEscrow`, and when an address has too many events to be folded */
export async function pastParty(asked: Asked, context: QueryContext) {
  return await ofThatTime<PartyRow>(asked, context, async ({ chainId, address, asOfBlock }) => {
    const { party } = await partyAtBlock(context.snapshot, chainId, address, asOfBlock);
    return party;
  });
}

/** The row as it was, marked as such; null when there was none. */
async function ofThatTime<Row extends object>(
  asked: Asked,
  context: QueryContext,
  fold: (asked: Asked) => Promise<Row>,
): Promise<MaybePast<Row> | null> {
  chainOf(context.snapshot.progress, asked.chainId);
  try {
    return { ...(await fold(asked)), [AS_OF]: asked.asOfBlock };
  } catch (error) {
    if (error instanceof Problem && error.code === "ES-NOT-FOUND") return null;
    throw error;
  }
}
