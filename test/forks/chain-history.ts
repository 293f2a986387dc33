import type { SeededRandom } from "../../local/chain/seeded-random.ts";
import { Deal, strangersTransaction } from "./deal.ts";
import type { Block, BlockPlan, SimulatedChain } from "./simulated-chain.ts";
import type { Transaction } from "./transaction.ts";

/** Blocks after which the engine may call a block final, on a chain that it does not know. */
const BLOCKS_TO_FINALITY = 31;
/** The engine moves finality in strides: so many at a time until it does. */
const FINALITY_NUDGE_BLOCKS = 6;
const MAX_DEALS = 4;

/**
 * What happens on one chain in the course of a history: escrows of its own, mined, dropped and
 * mined again. All that came before it is final.
 */
export class ChainHistory {
  readonly chain: SimulatedChain;
  readonly deals: readonly Deal[];
  readonly #random: SeededRandom;
  /** Nothing of this history is in this block or before it. */
  readonly #start: number;
  readonly #dropped: Block[] = [];
  #forks = 0;

  constructor(chain: SimulatedChain, random: SeededRandom) {
    this.chain = chain;
    this.#random = random;
    this.#start = chain.lowestAncestor;
    this.deals = Array.from({ length: random.integer(1, MAX_DEALS) }, () => new Deal(random));
  }

  get forks(): number {
    return this.#forks;
  }

  /** Canonical blocks in which something of this history may be. */
  get blocks(): readonly Block[] {
    return this.chain.canonical.slice(this.#start + 1);
  }

  mine(count: number): void {
    const { number } = this.chain.head;
    this.chain.mine(this.#plan(number, count, []));
  }

  /** Replaces some blocks: a few, or as many as a chain may. Most of what was in them comes back. */
  fork(): void {
    const random = this.#random;
    const { number } = this.chain.head;
    const deepest = number - this.chain.lowestAncestor;
    const depth = random.integer(1, random.chance(0.6) ? Math.min(4, deepest) : deepest);
    const ancestor = number - depth;
    const dropped = this.chain.canonical
      .slice(ancestor + 1)
      .flatMap(({ transactions }) => transactions);
    const length = Math.max(1, depth + random.integer(-1, 3));
    const what = random.weighted({ all: 3, some: 4, nothing: 2 });
    const replayed = what === "all" ? dropped : what === "some" ? this.#some(dropped) : [];
    const plans = this.#plan(ancestor, length, replayed, what !== "nothing");
    this.#dropped.push(this.chain.fork(ancestor, plans));
    this.#forks += 1;
  }

  /** Replaces all blocks of this history, though they count as final. */
  forkDeep(): void {
    const length = this.chain.head.number - this.#start + 1;
    this.chain.forkDeep(this.#start, this.#plan(this.#start, length, []));
    this.#forks += 1;
  }

  /**
   * Lets a dropped branch return, with the hashes it had.
   *
   * @returns false when there is none that may
   */
  restore(): boolean {
    const heads = this.#dropped.filter(
      (head) =>
        this.chain.canonical[head.number] !== head &&
        this.chain.commonAncestor(head).number >= this.chain.lowestAncestor,
    );
    if (heads.length === 0) return false;
    this.#dropped.push(this.chain.adopt(this.#random.pick(heads)));
    this.#forks += 1;
    return true;
  }

  /** The last block with anything in it. */
  get lastBlock(): number {
    return this.blocks.findLast(({ transactions }) => transactions.length > 0)?.number ?? 0;
  }

  /** Ends most of the deals, and mines until the engine may call all of it final. */
  settle(): void {
    if (this.#random.chance(0.7)) this.mine(this.#random.integer(1, 3));
    const target = Math.max(this.chain.highest + 1, this.lastBlock + BLOCKS_TO_FINALITY);
    this.#mineEmpty(target - this.chain.head.number);
  }

  /** Mines on, as the engine has not called all of it final yet. */
  nudgeFinality(): void {
    this.#mineEmpty(FINALITY_NUDGE_BLOCKS);
  }

  #mineEmpty(count: number): void {
    this.chain.mine(Array.from({ length: count }, () => ({ transactions: [], secondsLater: 2 })));
  }

  /** What stands in every block but the last of a deal's life is dropped at random. */
  #some(dropped: Transaction[]): Transaction[] {
    const isCut = new Set<string | null>();
    return dropped.filter(({ escrow }) => {
      if (this.#random.chance(0.3)) isCut.add(escrow);
      return !isCut.has(escrow);
    });
  }

  /** Blocks with these transactions, spread again, each escrow's in their order, and new ones. */
  #plan(
    ancestor: number,
    count: number,
    replayed: readonly Transaction[],
    hasNews = true,
  ): BlockPlan[] {
    const random = this.#random;
    const done = Map.groupBy(
      this.chain.canonical
        .slice(this.#start + 1, ancestor + 1)
        .flatMap(({ transactions }) => transactions),
      ({ escrow }) => escrow,
    );
    const waiting = shuffle(replayed, random);
    const places = waiting.map(() => random.integer(0, count - 1)).sort((a, b) => a - b);
    return Array.from({ length: count }, (_, at) => {
      const transactions = hasNews && random.chance(0.3) ? [strangersTransaction(random)] : [];
      const note = (transaction: Transaction): void => {
        transactions.push(transaction);
        done.set(transaction.escrow, [...(done.get(transaction.escrow) ?? []), transaction]);
      };
      while (places.length > 0 && places[0] === at) {
        places.shift();
        const next = waiting.shift();
        if (next) note(next);
      }
      for (const deal of hasNews ? this.deals : []) {
        const isPending = waiting.some(({ escrow }) => escrow === deal.escrow);
        const next = isPending || random.chance(0.5) ? null : this.#next(deal, done);
        if (next) note(next);
      }
      const waits = transactions.map(({ waitsSeconds }) => waitsSeconds);
      return { transactions, secondsLater: Math.max(random.integer(0, 3), ...waits) };
    });
  }

  #next(deal: Deal, done: Map<string | null, Transaction[]>): Transaction | null {
    return deal.next(done.get(deal.escrow) ?? []);
  }
}

/** In another order, but that of each escrow stays. */
function shuffle(transactions: readonly Transaction[], random: SeededRandom): Transaction[] {
  const perEscrow = [...Map.groupBy(transactions, ({ escrow }) => escrow).values()];
  const shuffled: Transaction[] = [];
  while (perEscrow.some((left) => left.length > 0)) {
    const next = random.pick(perEscrow.filter((left) => left.length > 0)).shift();
    if (next) shuffled.push(next);
  }
  return shuffled;
}
