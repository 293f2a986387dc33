import type { ChainDeployment } from "./config/chain-deployment.ts";

/**
 * The chains, factories and start blocks that are followed when the environment names no others
 * (`DEPLOYMENTS`, or `CHAIN_ID` with `CONTRACT_ADDRESS`). RPC endpoints come from the environment:
 * `RPC_URL_<chain id>`, or `RPC_URL` while only one chain is followed.
 *
 * A factory without `revision` is followed in both: they are told apart by their event's topic.
 */
export const deployments: ChainDeployment[] = [
  {
    name: "sepolia",
    chainId: 11155111,
    factories: [
      { address: "0x311E63dfcEfe7f2c202715ef0DF01CDA82f58914", startBlock: 9508300 },
      { address: "0x0F146104422a920E90627f130891bc948298d6F8", startBlock: 9508300 },
    ],
  },
];
