import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import { eventId } from "../../src/events/event-id.ts";
import {
  ARBITER,
  type At,
  approved,
  arbiterChanged,
  created,
  deployed,
  PAYEE,
  PAYER,
  refunded,
  released,
  STRANGER,
} from "./given-events.ts";
import { position, timeOf } from "./stand-in-deployment.ts";

const LIVES: ((at: At) => EscrowEvent)[][] = [
  [(at) => approved(PAYER, at), (at) => approved(PAYEE, at), (at) => released({}, at)],
  [(at) => arbiterChanged(ARBITER, STRANGER, at), (at) => refunded({}, at)],
  [(at) => approved(PAYER, at), (at) => approved(PAYER, at)],
  [],
];

/**
 * Escrows of both revisions on a chain, one created in each block from `firstBlock`, each event
 * after it a block later, in chain order. Some do what the contract cannot have done.
 */
export function manyDeals(chainId: number, escrows: number, firstBlock = 1): EscrowEvent[] {
  const planned: {
    block: number;
    make: (at: At) => EscrowEvent;
    escrow: Hex;
    revision: "A" | "B";
  }[] = [];
  for (let n = 0; n < escrows; n++) {
    const escrow: Hex = `0x${(n + 1).toString(16).padStart(40, "e")}`;
    const revision = n % 2 === 0 ? "A" : "B";
    const observed: At = revision === "A" ? { observedArbiter: ARBITER } : {};
    const steps = [(at: At) => created({}, { ...at, ...observed }), (at: At) => deployed({}, at)];
    const life = LIVES[n % LIVES.length] ?? [];
    const block = firstBlock + n;
    for (const make of steps) planned.push({ block, make, escrow, revision });
    for (const [at, make] of life.entries())
      planned.push({ block: block + 1 + at, make, escrow, revision });
  }
  planned.sort((one, other) => one.block - other.block);
  let logIndex = 0;
  return planned.map(({ block, make, escrow, revision }, at) => {
    logIndex = planned[at - 1]?.block === block ? logIndex + 1 : 0;
    const blockHash: Hex = `0x${(chainId * 1_000_000 + block).toString(16).padStart(64, "b")}`;
    const event = make({
      chainId,
      escrow,
      revision,
      blockNumber: BigInt(block),
      blockHash,
      timestamp: timeOf(block),
      logIndex,
    });
    return {
      ...event,
      id: eventId(chainId, blockHash, logIndex),
      position: position(chainId, block, logIndex),
    };
  });
}
