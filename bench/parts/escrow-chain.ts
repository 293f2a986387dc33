import { createHash } from "node:crypto";
import { toEventSelector } from "viem";

type Hex = `0x${string}`;

/** A log without its place in the block. */
export type ChainLog = { address: Hex; topics: Hex[]; data: Hex };
type ChainTransaction = {
  from: Hex;
  to: Hex;
  logs: ChainLog[];
  /** Who is the arbiter after it, where that is another one than before. */
  arbiter?: Hex;
};
export type ChainBlock = { number: number; timestamp: number; transactions: ChainTransaction[] };

export type EscrowChainOptions = {
  escrows: number;
  /** Escrows that are created in each block; five events come of each. */
  escrowsPerBlock: number;
  /** Ends after the creations, with two events per escrow: all of them stay open. */
  isOpen?: boolean;
};

export const CHAIN_ID = 31_337;
export const FACTORIES = {
  A: "0xfac70000000000000000000000000000000000aa",
  B: "0xfac70000000000000000000000000000000000bb",
} as const;
/** Exactly this many on average, and for every twenty escrows. */
export const EVENTS_PER_ESCROW = 5;

/** More than the engine's finality on a chain that it does not know. */
const EMPTY_BLOCKS_AT_THE_END = 70;
const BLOCKS_BETWEEN_STEPS = 3;
const BLOCK_SECONDS = 12;
const REFUND_SECONDS = 31 * 86_400;
const GENESIS_SECONDS = 1_600_000_000;

const topic = (signature: string): Hex => toEventSelector(`event ${signature}`);
export const TOPICS = {
  createdA: topic("EscrowCreated(address indexed, address indexed, uint256, uint256, uint8)"),
  createdB: topic(
    "EscrowCreated(address indexed, address indexed, address indexed, uint256, uint256, uint8)",
  ),
  deployedA: topic(
    "EscrowDeployed(address indexed, address indexed, address indexed, uint256, uint256, uint8)",
  ),
  deployedB: topic(
    "EscrowDeployed(address indexed, address indexed, address indexed, address, uint256, uint256, uint8)",
  ),
  approved: topic("Approved(address indexed)"),
  released: topic("EscrowReleased(address indexed, uint256, uint256)"),
  refunded: topic("EscrowRefunded(address indexed, uint256, uint256)"),
  arbiterChanged: topic("ArbiterChanged(address indexed, address indexed)"),
};

type Step = (timestamp: number) => ChainTransaction;

/**
 * A chain on which escrows of both revisions live as the contracts allow: about a quarter with one
 * approval, with two, with three, and with a change of arbiter; every twentieth is refunded, 30
 * days after all others. The same options give the same chain.
 */
export function* escrowChain(options: EscrowChainOptions): Generator<ChainBlock> {
  const { escrows, escrowsPerBlock, isOpen = false } = options;
  const due = new Map<number, Step[]>();
  const refunds: Step[] = [];
  let number = 0;
  let timestamp = GENESIS_SECONDS;
  const block = (steps: Step[], secondsLater = BLOCK_SECONDS): ChainBlock => {
    timestamp += secondsLater;
    number += 1;
    return { number, timestamp, transactions: steps.map((step) => step(timestamp)) };
  };
  for (let made = 0; made < escrows || due.size > 0; ) {
    const steps = due.get(number + 1) ?? [];
    due.delete(number + 1);
    for (const end = Math.min(made + escrowsPerBlock, escrows); made < end; made++) {
      const life = lifeOf(made, escrows);
      steps.push(life.create);
      if (isOpen) continue;
      let at = number + 1;
      for (const step of life.steps) {
        at += BLOCKS_BETWEEN_STEPS;
        due.set(at, [...(due.get(at) ?? []), step]);
      }
      if (life.refund) refunds.push(life.refund);
    }
    yield block(steps);
  }
  let secondsLater = REFUND_SECONDS;
  const refundsPerBlock = escrowsPerBlock * EVENTS_PER_ESCROW;
  for (let at = 0; at < refunds.length; at += refundsPerBlock) {
    yield block(refunds.slice(at, at + refundsPerBlock), secondsLater);
    secondsLater = BLOCK_SECONDS;
  }
  for (let empty = 0; empty < EMPTY_BLOCKS_AT_THE_END; empty++) yield block([]);
}

/** Blocks after a chain of open escrows, each with so many approvals of one event each. */
export function* approvalBlocks(
  after: { number: number; timestamp: number },
  plan: { blocks: number; eventsPerBlock: number; escrows: number },
): Generator<ChainBlock> {
  const { blocks, eventsPerBlock, escrows } = plan;
  for (let at = 1; at <= blocks; at++) {
    const number = after.number + at;
    const transactions = Array.from({ length: eventsPerBlock }, (_, index) => {
      // Two primes, so that every block meets escrows of all ages.
      const escrow = escrowAddress((number * 104_729 + index * 7_919) % escrows);
      const approver = address(`approver/${number}/${index}`);
      return transaction(approver, escrow, [log(escrow, [TOPICS.approved, word(approver)])]);
    });
    yield { number, timestamp: after.timestamp + BLOCK_SECONDS * at, transactions };
  }
}

type Life = { create: Step; steps: Step[]; refund: Step | null };

function lifeOf(index: number, escrows: number): Life {
  const revision = index % 2 === 0 ? "A" : "B";
  const kind = index % 20;
  const escrow = escrowAddress(index);
  const parties = Math.max(8, Math.ceil(escrows / 5));
  const payer = address(`party/${index % parties}`);
  const payee = address(`party/${(index * 7 + 1) % parties}`);
  const arbiter = address(`party/${(index * 13 + 2) % parties}`);
  const amount = 10n ** 15n * BigInt(1 + ((index * 37) % 9_999)) + 1n;
  const isRefunded = kind === 19;
  const required = isRefunded ? 2 : ([1, 2, 3, 1][index % 4] ?? 1);
  const approvers = [payer, payee, arbiter].slice(0, isRefunded ? 1 : required);

  const terms = { revision, escrow, payer, payee, arbiter, amount, required } as const;
  const create: Step = (timestamp) => ({
    ...transaction(payer, FACTORIES[revision], creationLogs(terms, timestamp)),
    arbiter,
  });
  const steps: Step[] = [];
  if (index % 4 === 3) {
    const next = address(`party/${(index * 17 + 3) % parties}`);
    const change = log(escrow, [TOPICS.arbiterChanged, word(arbiter), word(next)]);
    steps.push(() => ({ ...transaction(arbiter, escrow, [change]), arbiter: next }));
  }
  for (const [at, approver] of approvers.entries()) {
    const releases = !isRefunded && at === approvers.length - 1;
    steps.push((timestamp) =>
      transaction(approver, escrow, [
        log(escrow, [TOPICS.approved, word(approver)]),
        ...(releases ? [log(escrow, [TOPICS.released, word(payee)], amount, timestamp)] : []),
      ]),
    );
  }
  const refund: Step = (timestamp) =>
    transaction(payer, escrow, [log(escrow, [TOPICS.refunded, word(payer)], amount, timestamp)]);
  return { create, steps, refund: isRefunded ? refund : null };
}

type Terms = {
  revision: "A" | "B";
  escrow: Hex;
  payer: Hex;
  payee: Hex;
  arbiter: Hex;
  amount: bigint;
  required: number;
};

/** The constructor logs first. The release time is the block's. */
function creationLogs(terms: Terms, timestamp: number): ChainLog[] {
  const { revision, escrow, amount, required } = terms;
  const [payer, payee, arbiter] = [word(terms.payer), word(terms.payee), word(terms.arbiter)];
  if (revision === "A")
    return [
      log(escrow, [TOPICS.createdA, payer, payee], amount, timestamp, required),
      log(FACTORIES.A, [TOPICS.deployedA, word(escrow), payer, payee], amount, 0, required),
    ];
  return [
    log(escrow, [TOPICS.createdB, payer, payee, arbiter], amount, timestamp, required),
    log(
      FACTORIES.B,
      [TOPICS.deployedB, word(escrow), payer, payee],
      ...[BigInt(terms.arbiter), amount, 0, required],
    ),
  ];
}

function transaction(from: Hex, to: Hex, logs: ChainLog[]): ChainTransaction {
  return { from, to, logs };
}

function log(emitter: Hex, topics: Hex[], ...values: (bigint | number)[]): ChainLog {
  const data = values.map((value) => word(BigInt(value)).slice(2)).join("");
  return { address: emitter, topics, data: `0x${data}` };
}

/** An address or a number as ABI encoding has it, in 32 bytes. */
function word(value: Hex | bigint): Hex {
  const digits = typeof value === "bigint" ? value.toString(16) : value.slice(2);
  return `0x${digits.padStart(64, "0")}`;
}

function escrowAddress(index: number): Hex {
  return address(`escrow/${index}`);
}

function address(name: string): Hex {
  return `0x${createHash("sha256").update(name).digest("hex").slice(0, 40)}`;
}
