import type { Hex } from "../src/events/escrow-event.ts";
import { BlockDoubts } from "./block-doubts.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { RawBlock } from "./raw-block.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { proveTransactions, type RawTransaction } from "./transactions-root.ts";

/** Blocks whose transactions' hashes are kept: logs are asked for soon after their block. */
const MOST_KNOWN = 256;

/**
 * Which transactions the blocks of a chain have, by the root in their headers. What gives another
 * root is a lie, unless every endpoint gives it again and again: then the chain has transactions of
 * an encoding that is not known here, and their hashes are believed.
 */
export class TransactionProofs {
  readonly #pool: EndpointPool;
  readonly #known = new Map<string, readonly Hex[]>();
  /** Types of transactions in blocks that could not be proven. */
  readonly #foreign = new Set<string>();
  #proven = 0;

  constructor(pool: EndpointPool) {
    this.#pool = pool;
  }

  /** For one question, which may go to several endpoints. */
  doubts(): BlockDoubts {
    const what = "transactions that do not give the root in their block's header";
    return new BlockDoubts(this.#pool, what, () => (this.#proven === 0 ? "new" : "known"));
  }

  /** @throws RpcProblem `unproven` while not every endpoint has given it often enough */
  async check(block: RawBlock, endpoint: RpcEndpoint, doubts: BlockDoubts): Promise<void> {
    const transactions = block.transactions as RawTransaction[];
    const isForeign = transactions.some(({ type }) => this.#foreign.has(String(type)));
    const result = proveTransactions(block);
    if (result === "proven") {
      this.#proven += 1;
      doubts.blame(block);
      this.#remember(block.hash, transactions);
      return;
    }
    if (isForeign && result === "unknown") return;
    doubts.add(block, endpoint);
    for (const { type } of transactions) this.#foreign.add(String(type));
    this.#pool.say(
      "source.unknown-transactions",
      `chain ${this.#pool.chainId}: the transactions of block ${Number(block.number)} do not give the root in its header in any known encoding, and every endpoint gives them: their hashes are believed`,
    );
  }

  /** In the order of the block; null when they were not proven, or long ago. */
  hashesOf(blockHash: Hex): readonly Hex[] | null {
    return this.#known.get(blockHash.toLowerCase()) ?? null;
  }

  #remember(blockHash: Hex, transactions: readonly RawTransaction[]): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.delete(this.#known.keys().next().value ?? "");
    const hashes = transactions.map(({ hash }) => hash.toLowerCase() as Hex);
    this.#known.set(blockHash.toLowerCase(), hashes);
  }
}
