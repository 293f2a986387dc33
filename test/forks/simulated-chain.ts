import type { Hex } from "../../src/events/escrow-event.ts";
import { type HeaderJson, headerJson } from "../support/header-json.ts";
import { encodeTransaction } from "../support/transaction-json.ts";
import type { Transaction, TransactionLog } from "./transaction.ts";

/** A block of the tree. Its logs are numbered through, as a chain does. */
export type Block = {
  number: number;
  hash: Hex;
  /** As nodes have it, made once. */
  header: HeaderJson;
  parent: Block | null;
  /** Unix seconds. */
  timestamp: number;
  transactions: readonly Transaction[];
  logs: readonly BlockLog[];
  /** When it came into the world, counted in blocks of the chain: who lags knows no later ones. */
  born: number;
  /** Whether it was canonical and then was not, be it again now. */
  wasDropped: boolean;
  /** How many blocks were ever on top of it. */
  confirmations: number;
};

export type BlockLog = TransactionLog & { index: number; transactionIndex: number };

/** What a new block is made of; it may be empty. */
export type BlockPlan = {
  transactions: readonly Transaction[];
  secondsLater: number;
  /** What the header has in place of the bloom of its logs. */
  logsBloom?: Hex | undefined;
};

/** The engine counts this many blocks as not final on a chain that it does not know. */
export const FINALITY_BLOCKS = 30;
const GENESIS_SECONDS = 1_600_000_000;

/**
 * A chain that exists as a tree of blocks, one branch of which is canonical. Nothing is ever
 * forgotten, so that a dropped branch can return with the same hashes.
 *
 * It keeps to what a real chain promises: no block is replaced that was `FINALITY_BLOCKS` deep at
 * any time, as seen by any node.
 */
export class SimulatedChain {
  readonly chainId: number;
  readonly #byHash = new Map<string, Block>();
  readonly #salt: string;
  #canonical: Block[] = [];
  #born = 0;
  #highest = 0;

  constructor(chainId: number, salt: string) {
    this.chainId = chainId;
    this.#salt = salt;
    this.#append({ transactions: [], secondsLater: 0 });
  }

  get canonical(): readonly Block[] {
    return this.#canonical;
  }

  get head(): Block {
    return this.at(this.#canonical.length - 1);
  }

  /** How many blocks were ever made. */
  get born(): number {
    return this.#born;
  }

  /** The highest number that a head ever had. */
  get highest(): number {
    return this.#highest;
  }

  /** The lowest block that may be the last common one of two branches. */
  get lowestAncestor(): number {
    return Math.max(0, this.#highest - FINALITY_BLOCKS + 1);
  }

  /** @throws when the canonical branch does not reach up there */
  at(number: number): Block {
    const block = this.#canonical[number];
    if (block === undefined) throw new Error(`chain ${this.chainId} has no block ${number}`);
    return block;
  }

  byHash(hash: string): Block | undefined {
    return this.#byHash.get(hash);
  }

  mine(plans: readonly BlockPlan[]): void {
    for (const plan of plans) this.#append(plan);
  }

  /**
   * Replaces everything behind a block.
   *
   * @returns the head that was dropped
   * @throws when that lies deeper than a chain may go
   */
  fork(ancestor: number, plans: readonly BlockPlan[]): Block {
    this.#allow(ancestor);
    return this.forkDeep(ancestor, plans);
  }

  /** The same, with no regard to what counts as final: what a real chain promises not to do. */
  forkDeep(ancestor: number, plans: readonly BlockPlan[]): Block {
    const dropped = this.#dropBehind(ancestor);
    this.mine(plans);
    return dropped;
  }

  /**
   * Makes the branch of a dropped head canonical again, with the blocks it had.
   *
   * @returns the head that was dropped for it
   */
  adopt(head: Block): Block {
    const ancestor = this.commonAncestor(head);
    this.#allow(ancestor.number);
    const dropped = this.#dropBehind(ancestor.number);
    const branch: Block[] = [];
    for (let at = head; at !== ancestor && at.parent !== null; at = at.parent) branch.push(at);
    this.#canonical.push(...branch.reverse());
    return dropped;
  }

  /** The last block that another branch shares with the canonical one. */
  commonAncestor(head: Block): Block {
    let at = head;
    while (this.#canonical[at.number] !== at && at.parent !== null) at = at.parent;
    return at;
  }

  #allow(ancestor: number): void {
    if (ancestor < this.lowestAncestor)
      throw new Error(`block ${ancestor} of chain ${this.chainId} is too deep to fork from`);
  }

  /** @returns the head that was dropped */
  #dropBehind(ancestor: number): Block {
    const dropped = this.head;
    for (const block of this.#canonical.slice(ancestor + 1)) block.wasDropped = true;
    this.#canonical = this.#canonical.slice(0, ancestor + 1);
    return dropped;
  }

  #append({ transactions, secondsLater, logsBloom }: BlockPlan): void {
    const parent = this.#canonical.at(-1) ?? null;
    const number = parent === null ? 0 : parent.number + 1;
    const timestamp = parent === null ? GENESIS_SECONDS : parent.timestamp + secondsLater;
    this.#born += 1;
    let index = 0;
    const logs = transactions.flatMap((transaction, transactionIndex) =>
      transaction.logsAt(timestamp).map((log) => ({ ...log, index: index++, transactionIndex })),
    );
    const header = headerJson({
      ...{ number, timestamp, parentHash: parent?.hash },
      logs: transactions.map((_, at) => logs.filter((log) => log.transactionIndex === at)),
      transactions: transactions.map(encodeTransaction),
      ...{ salt: `${this.#salt}/${this.chainId}/${this.#born}`, logsBloom },
    });
    const { hash } = header;
    const block: Block = {
      ...{ number, hash, header, parent, timestamp, transactions, logs },
      ...{ born: this.#born, wasDropped: false, confirmations: 0 },
    };
    confirm(block);
    this.#byHash.set(hash, block);
    this.#canonical.push(block);
    this.#highest = Math.max(this.#highest, number);
  }
}

/** Counts a new block as a confirmation of those below it. */
function confirm({ number, parent }: Block): void {
  for (let at = parent; at !== null; at = at.parent) {
    if (at.confirmations >= number - at.number) return;
    at.confirmations = number - at.number;
  }
}
