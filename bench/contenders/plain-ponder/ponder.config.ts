import { createConfig, factory } from "ponder";
import { getAbiItem } from "viem";
import { escrowAAbi } from "../../../abis/escrow-a.ts";
import { escrowBAbi } from "../../../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../../../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../../../abis/escrow-factory-b.ts";

/* A Ponder app as its documentation has one write it: the factory pattern, one endpoint. */

const addressOf = (revision: "A" | "B") => process.env[`FACTORY_${revision}`] as `0x${string}`;
const onChain = { chain: "bench", startBlock: 1 } as const;

export default createConfig({
  chains: { bench: { id: Number(process.env.CHAIN_ID), rpc: process.env.RPC_URL } },
  contracts: {
    FactoryA: { ...onChain, abi: escrowFactoryAAbi, address: [addressOf("A")] },
    FactoryB: { ...onChain, abi: escrowFactoryBAbi, address: [addressOf("B")] },
    EscrowA: {
      ...onChain,
      abi: escrowAAbi,
      address: factory({
        address: [addressOf("A")],
        event: getAbiItem({ abi: escrowFactoryAAbi, name: "EscrowDeployed" }),
        parameter: "escrow",
      }),
    },
    EscrowB: {
      ...onChain,
      abi: escrowBAbi,
      address: factory({
        address: [addressOf("B")],
        event: getAbiItem({ abi: escrowFactoryBAbi, name: "EscrowDeployed" }),
        parameter: "escrow",
      }),
    },
  },
});
