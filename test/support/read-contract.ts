import { type Abi, type Address, parseAbi } from "viem";
import type { TestChain } from "./test-chain.ts";

const VIEWS: Abi = parseAbi([
  "function getStatus() view returns (uint8)",
  "function payer() view returns (address)",
  "function payee() view returns (address)",
  "function arbiter() view returns (address)",
  "function amount() view returns (uint256)",
  "function releaseTime() view returns (uint256)",
  "function approvalCount() view returns (uint8)",
  "function approvalsRequired() view returns (uint8)",
  "function isReleasable() view returns (bool)",
  "function hasApproved(address) view returns (bool)",
]);
const STATUSES = ["created", "approved", "released", "refunded"];

/** What a contract answers about itself, in the words of the read model. */
export type ContractState = {
  status: string;
  payer: string;
  payee: string;
  arbiter: string;
  amount: string;
  release_time: string;
  approvals_given: number;
  approvals_required: number;
  isReleasable: boolean;
  /** Of the people asked about, those who have approved. */
  approvers: string[];
};

/** Asks an escrow, at the newest block or another, everything that it can answer. */
export async function readContract(
  chain: TestChain,
  escrow: Address,
  people: readonly Address[],
  block?: number,
): Promise<ContractState> {
  const at = block === undefined ? {} : { blockNumber: BigInt(block) };
  const ask = (functionName: string, args: unknown[] = []): Promise<unknown> =>
    chain.client.readContract({ address: escrow, abi: VIEWS, functionName, args, ...at });
  const approved = await Promise.all(people.map((each) => ask("hasApproved", [each])));
  return {
    status: STATUSES[Number(await ask("getStatus"))] ?? "",
    payer: String(await ask("payer")).toLowerCase(),
    payee: String(await ask("payee")).toLowerCase(),
    arbiter: String(await ask("arbiter")).toLowerCase(),
    amount: String(await ask("amount")),
    release_time: String(await ask("releaseTime")),
    approvals_given: Number(await ask("approvalCount")),
    approvals_required: Number(await ask("approvalsRequired")),
    isReleasable: Boolean(await ask("isReleasable")),
    approvers: people.filter((_, at) => approved[at]).map((each) => each.toLowerCase()),
  };
}
