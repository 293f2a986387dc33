import type { ChainDeployment } from "../../config/chain-deployment.ts";
import { EVENT_CATALOGUE, REVISIONS, type Revision } from "../../src/events/event-catalogue.ts";

/** Where an announcement names the escrow: its first indexed parameter. */
const CHILD_LOCATION = "topic1";

/** A factory in one revision, under the names that the engine's cache has for it. */
export type FollowedFactory = {
  revision: Revision;
  /** Lower case. */
  address: string;
  /** First block in which it is followed. */
  fromBlock: number;
  /** What `ponder_sync.factories` has of the whole source that this factory is one of. */
  factory: object;
  /** The id of its row in `ponder_sync.intervals`. */
  fragment: string;
};

/**
 * The factories of a chain as the engine makes them of `ponder.config.ts` (ponder 0.17,
 * `src/build/factory.ts`, `src/runtime/fragments.ts`): one source for each revision, with all of its
 * addresses, from the first of their start blocks.
 */
export function followedFactories({
  chainId,
  factories,
}: Pick<ChainDeployment, "chainId" | "factories">): FollowedFactory[] {
  return REVISIONS.flatMap((revision) => {
    const followed = factories.filter((each) => (each.revision ?? revision) === revision);
    const addresses = [...new Set(followed.map(({ address }) => address.toLowerCase()))].sort();
    const fromBlock = Math.min(...followed.map(({ startBlock }) => startBlock));
    const eventSelector = EVENT_CATALOGUE.EscrowDeployed.revisions[revision].topic0;
    const childAddressLocation = CHILD_LOCATION;
    const of = { chainId, eventSelector, childAddressLocation, fromBlock };
    const factory = { type: "log", address: addresses, ...of };
    return addresses.map((address) => ({
      ...{ revision, address, fromBlock, factory },
      fragment: `factory_log_${chainId}_${address}_${eventSelector}_${CHILD_LOCATION}_${fromBlock}_null`,
    }));
  });
}
