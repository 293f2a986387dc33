import type { SeededRandom } from "../../local/chain/seeded-random.ts";
import { Deal } from "../../test/forks/deal.ts";
import type { BlockPlan } from "../../test/forks/simulated-chain.ts";
import type { Transaction } from "../../test/forks/transaction.ts";

/** Escrows that are under way at the same time: each block takes its events from many of them. */
const OPEN_DEALS = 400;

type OpenDeal = { deal: Deal; done: Transaction[] };

/** Escrows that go on for ever: who is settled is followed by a new one. */
export class EventSource {
  readonly #random: SeededRandom;
  #open: OpenDeal[] = [];
  #turn = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** A block with about this many events: a transaction is never cut. */
  plan(events: number): BlockPlan {
    const transactions: Transaction[] = [];
    let count = 0;
    while (count < events) {
      const transaction = this.#next();
      transactions.push(transaction);
      count += transaction.logsAt(0).length;
    }
    const waits = transactions.map(({ waitsSeconds }) => waitsSeconds);
    return { transactions, secondsLater: Math.max(1, ...waits) };
  }

  /** Gives up all escrows: after a fork nobody knows how they stand. */
  startOver(): void {
    this.#open = [];
  }

  #next(): Transaction {
    for (;;) {
      const at = this.#turn++ % OPEN_DEALS;
      let open = this.#open[at];
      if (open === undefined) {
        open = { deal: new Deal(this.#random), done: [] };
        this.#open[at] = open;
      }
      const transaction = open.deal.next(open.done);
      if (transaction === null) {
        this.#open[at] = { deal: new Deal(this.#random), done: [] };
        continue;
      }
      open.done.push(transaction);
      return transaction;
    }
  }
}
