import { type Address, type Hex, numberToHex, parseEther } from "viem";
import { type ChainClient, connectToChain } from "./chain-client.ts";
import type { DeployedFactories } from "./deploy-factories.ts";
import { createCall, type EscrowCall, partyCall } from "./escrow-call.ts";
import { deployedEscrows } from "./escrow-logs.ts";
import { pauseMining } from "./pause-mining.ts";
import { SeededRandom } from "./seeded-random.ts";
import { trafficParties } from "./traffic-parties.ts";

export type SeedOptions = {
  rpcUrl: string;
  factories: DeployedFactories;
  count: number;
  seed: number;
  /** Each full block has this many creations and as many approvals: three events for each. */
  escrowsPerBlock?: number;
};

export type SeededChain = {
  escrows: number;
  /** Exactly three per escrow: EscrowCreated, EscrowDeployed, Approved. */
  events: number;
  /** The blocks that hold the events, both included. */
  firstBlock: number;
  lastBlock: number;
  elapsedMs: number;
};

/**
 * Fills the chain with many escrows, fast: it mines the blocks itself, and each block creates
 * some escrows and approves those of the block before.
 *
 * Two approvals are required and one is given, so each escrow has exactly three events. Nothing
 * else may send transactions meanwhile. The way of mining is as before when it returns.
 *
 * @throws When a block does not hold what was sent.
 */
export async function seedEscrows(options: SeedOptions): Promise<SeededChain> {
  const { rpcUrl, count, escrowsPerBlock = 50 } = options;
  const startedAt = performance.now();
  const client = connectToChain(rpcUrl);
  const parties = await trafficParties(client);
  const random = new SeededRandom(`seed/${options.seed}`);
  const sender = await nonceKeeper(client, parties);
  const resumeMining = await pauseMining(client);
  try {
    const firstBlock = Number(await client.getBlockNumber()) + 1;
    let lastBlock = firstBlock;
    let toApprove: EscrowCall[] = [];
    for (let created = 0; created < count || toApprove.length > 0; ) {
      const creations = Array.from({ length: Math.min(escrowsPerBlock, count - created) }, () =>
        randomCreation(random, parties, options.factories),
      );
      await Promise.all([...toApprove, ...creations].map((call) => sender(call)));
      const { number, logs } = await mineBlock(client);
      const escrows = deployedEscrows(logs);
      const expected = toApprove.length + 2 * creations.length;
      if (logs.length !== expected || escrows.length !== creations.length) {
        throw new Error(`Block ${number} has ${logs.length} events instead of ${expected}`);
      }
      // The block keeps the order in which the calls came, but who came first among accounts is
      // up to the node: the payer is read from the log.
      toApprove = escrows.map((escrow, index) =>
        partyCall(payerOf(logs, index), escrow, "approve"),
      );
      created += creations.length;
      lastBlock = number;
    }
    const elapsedMs = Math.round(performance.now() - startedAt);
    return { escrows: count, events: 3 * count, firstBlock, lastBlock, elapsedMs };
  } finally {
    await resumeMining();
  }
}

type Log = { topics: readonly Hex[] };

function payerOf(logs: readonly Log[], index: number): Address {
  const deployed = logs.filter((log) => deployedEscrows([log]).length === 1)[index];
  return `0x${deployed?.topics[2]?.slice(-40)}`;
}

function randomCreation(
  random: SeededRandom,
  parties: readonly Address[],
  { revisionA, revisionB }: DeployedFactories,
): EscrowCall {
  const payer = random.pick(parties);
  const payee = random.pick(parties.filter((party) => party !== payer));
  const others = parties.filter((party) => party !== payer && party !== payee);
  return createCall({
    factory: random.pick([revisionA, revisionB]).address,
    payer,
    payee,
    arbiter: random.chance(0.5) ? random.pick(others) : undefined,
    amount: parseEther(`${random.integer(1, 500) / 100}`),
    releaseDelay: random.integer(0, 720) * 60,
    approvalsRequired: 2,
  });
}

/** Sends with nonces counted here: asking the node for each would double the requests. */
async function nonceKeeper(
  client: ChainClient,
  parties: readonly Address[],
): Promise<(call: EscrowCall) => Promise<Hex>> {
  const nonces = new Map<string, number>();
  for (const address of parties) {
    nonces.set(address.toLowerCase(), await client.getTransactionCount({ address }));
  }
  return (call) => {
    const from = call.from.toLowerCase();
    const nonce = nonces.get(from) ?? 0;
    nonces.set(from, nonce + 1);
    return client.request({
      method: "eth_sendTransaction",
      params: [{ ...call, nonce: numberToHex(nonce) }],
    });
  };
}

async function mineBlock(client: ChainClient): Promise<{ number: number; logs: Log[] }> {
  await client.mine({ blocks: 1 });
  const blockNumber = await client.request({ method: "eth_blockNumber" });
  const logs = await client.request({
    method: "eth_getLogs",
    params: [{ fromBlock: blockNumber, toBlock: blockNumber }],
  });
  return { number: Number(blockNumber), logs };
}
