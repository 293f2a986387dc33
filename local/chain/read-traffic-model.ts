import { type Address, getAddress, isAddressEqual, zeroAddress } from "viem";
import { escrowBAbi } from "../../abis/escrow-b.ts";
import type { ChainClient } from "./chain-client.ts";
import { type Deal, SECONDS_PER_DAY } from "./deal.ts";
import type { DeployedFactories } from "./deploy-factories.ts";
import { escrowEvents } from "./escrow-logs.ts";
import type { TrafficModel } from "./plan-step.ts";

/** Older open deals are left alone: the generator needs enough deals, not all. */
const NEWEST_DEALS = 300;

/**
 * What the generator can know from the chain: the newest open deals between its parties.
 *
 * Whether a deal was meant to stall is not on chain; one that is still incomplete after two days
 * is taken for stalled.
 */
export async function readTrafficModel(
  client: ChainClient,
  factories: DeployedFactories,
  parties: readonly Address[],
): Promise<TrafficModel> {
  const genesis = await client.getBlock({ blockNumber: 0n });
  const latest = await client.getBlock();
  const now = Number(latest.timestamp);

  const deployed = await client.getLogs({
    address: [factories.revisionA.address, factories.revisionB.address],
    events: [escrowEvents.deployedA, escrowEvents.deployedB],
    fromBlock: 0n,
  });
  const settled = await client.getLogs({
    events: [escrowEvents.released, escrowEvents.refunded],
    fromBlock: 0n,
  });
  const settledEscrows = new Set(settled.map((log) => getAddress(log.address)));
  const open = deployed
    .filter(({ args }) => args.escrow && !settledEscrows.has(args.escrow))
    .filter(({ args }) => args.payer && parties.includes(args.payer))
    .filter(({ args }) => args.payee && parties.includes(args.payee))
    .slice(-NEWEST_DEALS);

  const deals = await Promise.all(
    open.map(async ({ address, args }): Promise<Deal> => {
      const { escrow, payer, payee, releaseDelay = 0n, approvalsRequired = 1 } = args;
      if (!escrow || !payer || !payee)
        throw new Error(`An EscrowDeployed log of ${address} is cut`);
      const contract = { address: escrow, abi: escrowBAbi } as const;
      const [arbiter, releaseTime, approvals] = await Promise.all([
        client.readContract({ ...contract, functionName: "arbiter" }),
        client.readContract({ ...contract, functionName: "releaseTime" }),
        client.getLogs({ address: escrow, event: escrowEvents.approved, fromBlock: 0n }),
      ]);
      const createdAt = Number(releaseTime - releaseDelay);
      return {
        revision: isAddressEqual(address, factories.revisionA.address) ? "A" : "B",
        address: escrow,
        payer,
        payee,
        arbiter: arbiter === zeroAddress ? undefined : arbiter,
        approvalsRequired,
        approvedBy: approvals.flatMap((log) => log.args.approver ?? []),
        releaseTime: Number(releaseTime),
        stalled: now - createdAt > 2 * SECONDS_PER_DAY,
      };
    }),
  );
  return { parties, deals, genesis: Number(genesis.timestamp), now, stepsToday: 0 };
}
