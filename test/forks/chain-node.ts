import type { Block, SimulatedChain } from "./simulated-chain.ts";

/**
 * One of the RPC nodes of a chain. It tells the canonical branch, or, while it lags, what was
 * canonical when it fell behind, and nothing that came later.
 */
export class ChainNode {
  readonly chain: SimulatedChain;
  #lag: { blocks: readonly Block[]; born: number } | null = null;

  constructor(chain: SimulatedChain) {
    this.chain = chain;
  }

  get isLagging(): boolean {
    return this.#lag !== null;
  }

  get blocks(): readonly Block[] {
    return this.#lag?.blocks ?? this.chain.canonical;
  }

  get head(): Block {
    const head = this.blocks.at(-1);
    if (head === undefined) throw new Error("a node knows no block");
    return head;
  }

  /** Also of dropped branches, as long as it had heard of them. */
  byHash(hash: string): Block | null {
    const block = this.chain.byHash(hash);
    return block === undefined || block.born > (this.#lag?.born ?? Infinity) ? null : block;
  }

  fallBehind(): void {
    this.#lag ??= { blocks: [...this.chain.canonical], born: this.chain.born };
  }

  catchUp(): void {
    this.#lag = null;
  }
}
