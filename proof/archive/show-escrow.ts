import { CodedError } from "../../config/coded-error.ts";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { type DeployedChain, findDeployment } from "../../engine/deployment/find-deployment.ts";
import { UnreadableEvent } from "../../src/events/upcast.ts";
import type { EscrowState } from "../../src/projections/escrow.ts";
import { type EscrowHistory, readEscrowState } from "./escrow-state.ts";
import { chainsInWords, namedChain } from "./named-chain.ts";

export type WantedEscrow = {
  /** Id or name. */
  chain: string;
  address: `0x${string}`;
  /** Without it, the last indexed one. */
  block: number | undefined;
  /** Schema of a deployment, or of the views. */
  schema: string;
};

/** An escrow as it stood at a block. */
export type ShownEscrow = Omit<EscrowHistory, "state"> & {
  chain: DeployedChain;
  block: number;
  state: EscrowState;
};

/**
 * Folds an escrow from its events up to a block.
 *
 * @throws CodedError when chain, block or escrow are not known here, or an event cannot be read
 */
export async function showEscrow(databaseUrl: string, wanted: WantedEscrow): Promise<ShownEscrow> {
  const database = await FrozenDatabase.open(databaseUrl);
  try {
    const deployment = await findDeployment(database, wanted.schema);
    const chain = namedChain(deployment.chains, wanted.chain);
    if (chain === undefined)
      throw nothing(
        `chain "${wanted.chain}" is not followed here (followed: ${chainsInWords(deployment.chains)})`,
      );
    const { chainId, name, indexedBlock: head } = chain;
    const block = wanted.block ?? head;
    if (block > head)
      throw nothing(
        `block ${block} of chain ${chainId} (${name}) is not indexed: the indexed head is block ${head}`,
      );
    const { schema } = deployment;
    const history = await readEscrowState(database, schema, chainId, wanted.address, block);
    const { state, nextBlock } = history;
    if (state === null)
      throw nothing(
        nextBlock === null
          ? `no escrow ${wanted.address} is known on chain ${chainId} (${name})`
          : `escrow ${wanted.address} of chain ${chainId} (${name}) did not exist at block ${block}: its first event is in block ${nextBlock}`,
      );
    return { chain, block, ...history, state };
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
    throw new CodedError("ES-EVENT-UNREADABLE", error.message, { cause: error });
  } finally {
    await database.close({ keep: false });
  }
}

function nothing(message: string): CodedError {
  return new CodedError("ES-NOTHING-TO-SHOW", message);
}
