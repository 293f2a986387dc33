import { positionOfLog } from "../../engine/checkpoint.ts";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import { eventsOf } from "../forks/canonical-events.ts";
import { Deal, strangersTransaction } from "../forks/deal.ts";
import { type BlockPlan, SimulatedChain } from "../forks/simulated-chain.ts";
import type { Transaction, TransactionLog } from "../forks/transaction.ts";
import { transactionHash } from "../support/transaction-json.ts";

const BLOCKS_TO_FINALITY = 61;

/** A chain on which some escrows live their lives among strangers, all of it final. */
export function auditedChain(
  seed: string,
  {
    chainId = 31_337,
    deals = 8,
    blocks = 60,
    more = [] as { block: number; transaction: Transaction }[],
    /** By block: what its header has in place of the bloom of its logs. */
    blooms = {} as Record<number, Hex>,
  } = {},
): SimulatedChain {
  const random = new SeededRandom(seed);
  const chain = new SimulatedChain(chainId, seed);
  const lives = Array.from({ length: deals }, () => ({
    deal: new Deal(random),
    done: [] as Transaction[],
  }));
  for (let block = 1; block <= blocks; block++) {
    const plan: BlockPlan & { transactions: Transaction[] } = {
      transactions: random.chance(0.4) ? [strangersTransaction(random)] : [],
      ...{ secondsLater: 12, logsBloom: blooms[block] },
    };
    for (const { deal, done } of lives) {
      const next = random.chance(0.25) ? deal.next(done) : null;
      if (next === null || next.waitsSeconds > plan.secondsLater) continue;
      done.push(next);
      plan.transactions.push(next);
    }
    for (const each of more) if (each.block === block) plan.transactions.push(each.transaction);
    chain.mine([plan]);
  }
  chain.mine(
    Array.from({ length: BLOCKS_TO_FINALITY }, () => ({ transactions: [], secondsLater: 12 })),
  );
  return chain;
}

/** A transaction with logs that nobody planned for. */
export function transactionWith(seed: string, logs: TransactionLog[]): Transaction {
  const random = new SeededRandom(seed);
  const from = random.bytes32().slice(0, 42) as Hex;
  const salt = random.bytes32();
  const hash = transactionHash({ to: from, salt });
  return {
    ...{ hash, salt, from, to: from, escrow: null, waitsSeconds: 0 },
    logsAt: () => logs,
  };
}

/** What the engine stores of a chain. */
export function storedEvents(chain: SimulatedChain): EscrowEvent[] {
  return chain.canonical.flatMap((block) =>
    eventsOf(chain.chainId, block).map((event) => ({
      ...event,
      position: positionOfLog({
        chainId: chain.chainId,
        timestamp: BigInt(block.timestamp),
        blockNumber: block.number,
        transactionIndex: block.logs[event.logIndex]?.transactionIndex ?? 0,
        logIndex: event.logIndex,
      }),
    })),
  );
}
