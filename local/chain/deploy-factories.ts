import { type Address, getContractAddress, type Hex } from "viem";
import { escrowFactoryABytecode } from "../../contracts/bytecode/escrow-factory-a.ts";
import { escrowFactoryBBytecode } from "../../contracts/bytecode/escrow-factory-b.ts";
import { type ChainClient, connectToChain } from "./chain-client.ts";
import { waitForReceipt } from "./wait-for-receipts.ts";

/** anvil's first account: nothing else may send from it before the factories are deployed. */
const DEPLOYER: Address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

type DeployedFactory = { address: Address; startBlock: number };
export type DeployedFactories = { revisionA: DeployedFactory; revisionB: DeployedFactory };

/**
 * Deploys the factory of each revision, or finds the ones that are there.
 *
 * The deployer's first two nonces decide the addresses, so they are the same on every local chain.
 *
 * @throws When the deployer's first nonces were spent on something else.
 */
export async function deployFactories({ rpcUrl }: { rpcUrl: string }): Promise<DeployedFactories> {
  const client = connectToChain(rpcUrl);
  return {
    revisionA: await deployOrFind(client, 0, escrowFactoryABytecode),
    revisionB: await deployOrFind(client, 1, escrowFactoryBBytecode),
  };
}

async function deployOrFind(
  client: ChainClient,
  nonce: number,
  bytecode: Hex,
): Promise<DeployedFactory> {
  const address = getContractAddress({ from: DEPLOYER, nonce: BigInt(nonce) });
  if ((await client.getCode({ address })) !== undefined) {
    return { address, startBlock: await findDeployment(client, nonce) };
  }
  const nextNonce = await client.getTransactionCount({ address: DEPLOYER });
  if (nextNonce !== nonce) {
    throw new Error(
      `${DEPLOYER} is at nonce ${nextNonce} but the factory belongs at nonce ${nonce}: this chain was used for something else, start a fresh one`,
    );
  }
  const hash = await client.request({
    method: "eth_sendTransaction",
    params: [{ from: DEPLOYER, data: bytecode, gas: "0x2dc6c0" }],
  });
  const receipt = await waitForReceipt(client, hash);
  if (receipt.status !== "success") throw new Error(`The factory's deployment ${hash} failed`);
  return { address, startBlock: Number(receipt.blockNumber) };
}

/** Block by block from the beginning: the factories are the first thing on a local chain. */
async function findDeployment(client: ChainClient, nonce: number): Promise<number> {
  const latest = await client.getBlockNumber();
  for (let blockNumber = 0n; blockNumber <= latest; blockNumber++) {
    const block = await client.getBlock({ blockNumber, includeTransactions: true });
    const found = block.transactions.some(
      (transaction) =>
        transaction.from.toLowerCase() === DEPLOYER.toLowerCase() && transaction.nonce === nonce,
    );
    if (found) return Number(blockNumber);
  }
  throw new Error(`No block holds ${DEPLOYER}'s transaction with nonce ${nonce}`);
}
