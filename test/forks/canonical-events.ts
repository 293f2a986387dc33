import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { toEscrowEvent } from "../../src/events/to-escrow-event.ts";
import { arbiterAt } from "./arbiter-at.ts";
import type { Block, BlockLog } from "./simulated-chain.ts";

/** The events of a block, in the form of the event store but with a position of our own. */
export function eventsOf(chainId: number, block: Block): EscrowEvent[] {
  return block.logs.flatMap((log) => {
    const event = eventOf(chainId, block, log);
    return event === null ? [] : [event];
  });
}

/** The event that a log is; null for a stranger's. */
export function eventOf(chainId: number, block: Block, log: BlockLog): EscrowEvent | null {
  if (log.fact === null) return null;
  const { type, revision, payload } = log.fact;
  const transaction = block.transactions[log.transactionIndex];
  if (transaction === undefined) throw new Error("a log without its transaction");
  const source = {
    id: `${chainId}/${block.number}/${log.index}`,
    log: { address: log.address, logIndex: log.index },
    block: { number: BigInt(block.number), hash: block.hash, timestamp: BigInt(block.timestamp) },
    transaction: { hash: transaction.hash },
  };
  const isAsked = type === "EscrowCreated" && revision === "A";
  const observed = isAsked ? arbiterAt(block, log.address) : null;
  return toEscrowEvent(type, revision, chainId, source, payload, observed);
}
