import type { Context } from "ponder:registry";
import type { Hex } from "../events/escrow-event.ts";

/**
 * Asks an escrow of revision A who its arbiter was at the end of the block of its creation, which no
 * event says. The answer follows from the block's hash alone, and is kept in the engine's cache.
 *
 * @returns the zero address for none; null where the configuration says not to ask
 */
export async function observeArbiter(
  { client, contracts }: Pick<Context, "client" | "contracts">,
  escrow: Hex,
): Promise<Hex | null> {
  const abi = contracts.ArbiterOfA?.abi;
  if (abi === undefined) return null;
  return await client.readContract({ abi, address: escrow, functionName: "arbiter" });
}
