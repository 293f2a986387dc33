import { type Abi, encodeAbiParameters, encodeEventTopics } from "viem";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import { escrowBAbi } from "../../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../../abis/escrow-factory-b.ts";
import type { SeededRandom } from "../../local/chain/seeded-random.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import { payloadOf } from "../../src/events/payload-of.ts";
import { transactionHash } from "../support/transaction-json.ts";
import type { LoggedFact, Transaction, TransactionLog } from "./transaction.ts";

export const FACTORIES = {
  A: "0xfac70000000000000000000000000000000000aa",
  B: "0xfac70000000000000000000000000000000000bb",
} as const;

const ABIS: Record<"A" | "B", Abi> = {
  A: [...escrowAAbi.filter(({ type }) => type === "event"), ...factoryEvents(escrowFactoryAAbi)],
  B: [...escrowBAbi.filter(({ type }) => type === "event"), ...factoryEvents(escrowFactoryBAbi)],
};
const NOBODY: Hex = `0x${"00".repeat(20)}`;
/** More than the 30 days after which the payer may take the money back. */
const UNTIL_REFUND_SECONDS = 31 * 86_400;

/** Where an escrow stands after a transaction. */
type DealState = {
  payer: Hex;
  payee: Hex;
  arbiter: Hex;
  amount: bigint;
  approvalsRequired: number;
  releaseDelay: number;
  approvers: Hex[];
  isSettled: boolean;
};

type DealTransaction = Transaction & { after: DealState };

/**
 * An escrow that lives as the contract allows. It knows of no branch: what may happen next follows
 * from the transactions that are canonical, so after a fork it may live another life, with other
 * terms at the same address if even its creation was dropped.
 */
export class Deal {
  readonly revision: "A" | "B";
  readonly escrow: Hex;
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.revision = random.pick(["A", "B"]);
    this.escrow = address(random);
  }

  /** The next transaction, or null when the escrow is settled. */
  next(done: readonly Transaction[]): Transaction | null {
    const last = done.at(-1) as DealTransaction | undefined;
    if (last === undefined) return this.#create();
    const state = last.after;
    if (state.isSettled) return null;
    if (state.approvers.length >= state.approvalsRequired)
      return this.#settle(state, "EscrowReleased", state.releaseDelay);
    const roll = this.#random.integer(1, 100);
    if (roll <= 1) return this.#settle(state, "EscrowRefunded", UNTIL_REFUND_SECONDS);
    if (roll <= 15 && mayChangeArbiter(state)) return this.#changeArbiter(state);
    return this.#approve(state);
  }

  #create(): DealTransaction {
    const random = this.#random;
    const arbiter = random.chance(0.5) ? address(random) : NOBODY;
    const state: DealState = {
      payer: address(random),
      payee: address(random),
      arbiter,
      // Above what a double holds exactly, and as much as there can be in ether.
      amount: BigInt(random.integer(1, 10 ** 9)) * (random.chance(0.3) ? 10n ** 17n + 1n : 1n),
      approvalsRequired: random.integer(1, arbiter === NOBODY ? 2 : 3),
      releaseDelay: random.pick([0, 0, 100]),
      approvers: [],
      isSettled: false,
    };
    const { releaseDelay, ...rest } = state;
    const terms = { ...rest, ...(this.revision === "A" ? { arbiter: undefined } : {}) };
    return this.#transaction(state, 0, (timestamp) => {
      const releaseTime = BigInt(timestamp + releaseDelay);
      const created = { ...withoutAbsent(terms), releaseTime };
      const deployed = {
        ...withoutAbsent(terms),
        escrow: this.escrow,
        releaseDelay: BigInt(releaseDelay),
      };
      return [
        this.#log("EscrowCreated", created, payloadOf("EscrowCreated", created)),
        this.#log("EscrowDeployed", deployed, payloadOf("EscrowDeployed", deployed)),
      ];
    });
  }

  /** One approval, or two in one transaction; the last one releases if it can. */
  #approve(state: DealState): DealTransaction {
    const missing = state.approvalsRequired - state.approvers.length;
    const parties = [state.payer, state.payee, state.arbiter].filter(
      (party) => party !== NOBODY && !state.approvers.includes(party),
    );
    const first = this.#random.pick(parties);
    const others = parties.filter((party) => party !== first);
    const isTogether = missing > 1 && others.length > 0 && this.#random.chance(0.3);
    const approvers = isTogether ? [first, this.#random.pick(others)] : [first];
    const releases = missing === approvers.length && state.releaseDelay === 0;
    const after = {
      ...state,
      approvers: [...state.approvers, ...approvers],
      isSettled: releases,
    };
    return this.#transaction(after, 0, (timestamp) => [
      ...approvers.map((approver) =>
        this.#log("Approved", { approver }, payloadOf("Approved", { approver })),
      ),
      ...(releases ? [this.#settlement("EscrowReleased", state, timestamp)] : []),
    ]);
  }

  #settle(
    state: DealState,
    type: "EscrowReleased" | "EscrowRefunded",
    waitsSeconds: number,
  ): DealTransaction {
    return this.#transaction({ ...state, isSettled: true }, waitsSeconds, (timestamp) => [
      this.#settlement(type, state, timestamp),
    ]);
  }

  #changeArbiter(state: DealState): DealTransaction {
    const args = { oldArbiter: state.arbiter, newArbiter: address(this.#random) };
    return this.#transaction({ ...state, arbiter: args.newArbiter }, 0, () => [
      this.#log("ArbiterChanged", args, payloadOf("ArbiterChanged", args)),
    ]);
  }

  #settlement(
    type: "EscrowReleased" | "EscrowRefunded",
    { payee, payer, amount }: DealState,
    seconds: number,
  ): TransactionLog {
    const timestamp = BigInt(seconds);
    if (type === "EscrowReleased") {
      const args = { payee, amount, timestamp };
      return this.#log(type, args, payloadOf("EscrowReleased", args));
    }
    const args = { payer, amount, timestamp };
    return this.#log(type, args, payloadOf("EscrowRefunded", args));
  }

  #transaction(
    after: DealState,
    waitsSeconds: number,
    logsAt: Transaction["logsAt"],
  ): DealTransaction {
    const salt = this.#random.bytes32();
    const hash = transactionHash({ to: this.escrow, salt });
    return {
      ...{ hash, salt, from: after.payer, to: this.escrow, escrow: this.escrow },
      ...{ arbiter: after.arbiter, waitsSeconds, logsAt, after },
    };
  }

  #log<T extends LoggedFact["type"]>(
    type: T,
    args: object,
    payload: Extract<LoggedFact, { type: T }>["payload"],
  ): TransactionLog {
    const { revision, escrow } = this;
    return {
      address: type === "EscrowDeployed" ? FACTORIES[revision] : escrow,
      ...encodeEvent(ABIS[revision], type, args),
      fact: { type, payload, escrow, revision } as LoggedFact,
    };
  }
}

/** A transaction of a contract that is none of ours, with logs that look like ours. */
export function strangersTransaction(random: SeededRandom): Transaction {
  const stranger = address(random);
  const approver = address(random);
  const log = { address: stranger, ...encodeEvent(ABIS.A, "Approved", { approver }), fact: null };
  const count = random.integer(1, 3);
  const salt = random.bytes32();
  return {
    ...{ hash: transactionHash({ to: stranger, salt }), salt },
    from: approver,
    to: stranger,
    escrow: null,
    waitsSeconds: 0,
    logsAt: () => Array.from({ length: count }, () => log),
  };
}

function mayChangeArbiter({ arbiter, approvers }: DealState): boolean {
  return arbiter !== NOBODY && !approvers.includes(arbiter);
}

function address(random: SeededRandom): Hex {
  return random.bytes32().slice(0, 42) as Hex;
}

function factoryEvents(abi: Abi): Abi {
  return abi.filter(({ type }) => type === "event");
}

function withoutAbsent<T extends { arbiter?: Hex | undefined }>(terms: T) {
  const { arbiter, ...rest } = terms;
  return arbiter === undefined ? rest : { ...rest, arbiter };
}

function encodeEvent(abi: Abi, eventName: string, args: object): { topics: Hex[]; data: Hex } {
  const item = abi.find((each) => each.type === "event" && each.name === eventName);
  if (item?.type !== "event") throw new Error(`there is no event ${eventName}`);
  const values = args as Record<string, unknown>;
  const unindexed = item.inputs.filter(({ indexed }) => !indexed);
  return {
    topics: encodeEventTopics({ abi: [item], eventName, args: values }) as Hex[],
    data: encodeAbiParameters(
      unindexed,
      unindexed.map(({ name }) => values[name ?? ""]),
    ),
  };
}
