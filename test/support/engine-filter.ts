import { toEventSelector } from "viem";
import { FACTORIES } from "../forks/deal.ts";

export const FACTORY_ID = "factory";

const DEPLOYED_A =
  "EscrowDeployed(address indexed,address indexed,address indexed,uint256,uint256,uint8)";

/** The engine's filter for everything that escrows of the first revision's factory log. */
export function escrowFilter(chainId: number): object {
  const everything = { chainId, fromBlock: 0, toBlock: undefined };
  return {
    ...everything,
    type: "log",
    sourceId: "EscrowA",
    address: {
      ...everything,
      id: FACTORY_ID,
      type: "log",
      sourceId: "EscrowA",
      address: FACTORIES.A,
      eventSelector: toEventSelector(DEPLOYED_A),
      childAddressLocation: "topic1",
    },
    topic0: null,
    topic1: null,
    topic2: null,
    topic3: null,
    hasTransactionReceipt: false,
    include: [],
  };
}
