import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
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
} from "../support/given-events.ts";
import { type ChainProgress, position, timeOf } from "../support/stand-in-deployment.ts";

/*
 * What two chains logged, with every event of both revisions in it, an anomaly, an open escrow, and
 * on chain 1 a block that is replaced by another one and comes back.
 */

export const RELEASED = escrow("e1");
export const REFUNDED = escrow("e2");
export const OPEN = escrow("e3");
export const FORKED = escrow("e4");
export const IRREGULAR = escrow("e5");
export const OBSERVED = escrow("e6");
const FACTORY = escrow("fa");

export const PROGRESS: ChainProgress[] = [
  { chainId: 1, latest: 216_620, finalized: 216_505 },
  { chainId: 10, latest: 100, finalized: 60 },
];

const FORK_BLOCK = 216_508;

/** Everything that is final on both chains. */
const FINAL: EscrowEvent[] = [
  ...creation(10, IRREGULAR, 50, "B"),
  ...creation(1, RELEASED, 100, "B"),
  approved(PAYER, at(1, RELEASED, 101, 0)),
  approved(PAYEE, at(1, RELEASED, 101, 1)),
  ...creation(1, REFUNDED, 102, "A"),
  arbiterChanged(ARBITER, STRANGER, at(1, REFUNDED, 103, 0, "A")),
  ...creation(1, OPEN, 104, "B"),
  ...creation(1, OBSERVED, 105, "A"),
  released({}, at(1, RELEASED, 401, 0)),
  refunded({}, at(1, REFUNDED, 216_500, 0, "A")),
];

/** Behind the final block and before the fork; the second approval is one that the contract cannot give. */
const LATEST: EscrowEvent[] = [
  approved(PAYER, at(10, IRREGULAR, 70, 0)),
  approved(PAYER, at(10, IRREGULAR, 71, 0)),
  approved(PAYER, at(1, OPEN, 216_507, 0)),
];

/** Logged when the relay had stopped: captured, and not on any topic. */
export const UNPUBLISHED = placed(approved(PAYEE, at(1, OPEN, 216_512, 0)));

/** What the deployment holds while the fork block has this hash. */
export function historyWithFork(hash: Hex): EscrowEvent[] {
  const fork = creation(1, FORKED, FORK_BLOCK, "B").map((event) => ({
    ...event,
    blockHash: hash,
    id: `1-${hash}-${event.logIndex}`,
  }));
  return [...FINAL, ...LATEST, ...fork].map(placed).sort(inChainOrder);
}

/** The id of an escrow's only event of a type, or of the given one of several. */
export function idOf(address: Hex, type: EscrowEvent["type"], nth = 0): string {
  const events = [...historyWithFork(FORK_HASHES.first), UNPUBLISHED];
  const found = events.filter((event) => event.stream === address && event.type === type)[nth];
  if (found === undefined) throw new Error(`${address} has no ${type} number ${nth}`);
  return found.id;
}

export const FORK_HASHES = { first: hash32(0xf1), second: hash32(0xf2) };

function creation(chainId: number, address: Hex, block: number, revision: "A" | "B") {
  return [
    created({}, { ...at(chainId, address, block, 0, revision), ...observed(revision) }),
    deployed({}, { ...at(chainId, address, block, 1, revision), emitter: FACTORY }),
  ];
}

/** Nobody of revision A says who the arbiter is. */
function observed(revision: "A" | "B"): At {
  return revision === "A" ? { observedArbiter: ARBITER } : {};
}

function at(
  chainId: number,
  address: Hex,
  block: number,
  logIndex: number,
  revision: "A" | "B" = "B",
): At {
  const number = BigInt(block);
  return {
    chainId,
    escrow: address,
    blockNumber: number,
    blockHash: hash32(chainId * 1_000_000 + block),
    transactionHash: hash32(chainId * 10_000_000 + block),
    timestamp: timeOf(block),
    logIndex,
    revision,
  };
}

function placed<E extends EscrowEvent>(event: E): E {
  const { chainId, blockNumber, logIndex } = event;
  return { ...event, position: position(chainId, blockNumber, logIndex) };
}

function inChainOrder(one: EscrowEvent, other: EscrowEvent): number {
  return one.position < other.position ? -1 : 1;
}

function escrow(name: string): Hex {
  return `0x${name.padStart(40, "0")}`;
}

function hash32(number: number): Hex {
  return `0x${number.toString(16).padStart(64, "0")}`;
}
