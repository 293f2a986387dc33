import type { EndpointPool } from "./endpoint-pool.ts";
import type { RawBlock } from "./raw-block.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** The engine asks ten times for the logs of a block, over a minute, before it asks for the block again. */
const DOUBT_MS = 180_000;
const MOST_KEPT = 512;

/**
 * Whether blocks that are given by their number are of the chain's branch. A block of a branch that
 * was dropped has all that a block has: nothing in it shows that it is not of the chain any more. It
 * shows when blocks of neighbouring numbers are not linked, or when nobody knows a block by its hash.
 * After such a sign, which a reorg gives as well, more endpoints have to name a block at its height
 * than name another one, or the only one that answers twice.
 */
export class BranchDoubts {
  readonly #pool: EndpointPool;
  /** By number, as they were given last. */
  readonly #given = new Map<number, { hash: string; parentHash: string }>();
  readonly #lost = new Set<string>();
  #untilMs = -Infinity;

  constructor(pool: EndpointPool) {
    this.#pool = pool;
  }

  /**
   * To be called with each answer to one question for a block by its number.
   *
   * @returns what throws RpcProblem `unproven` while too little speaks for the block
   */
  question(): (block: RawBlock, endpoint: RpcEndpoint) => void {
    const answers = new Map<RpcEndpoint, { block: RawBlock; times: number }>();
    return (block, endpoint) => {
      const isOn = this.#pool.clock.now() < this.#untilMs;
      if (!isOn || this.#pool.there.length < 2) return;
      const { hash } = block;
      const before = answers.get(endpoint);
      const times = before?.block.hash === hash ? before.times + 1 : 1;
      answers.set(endpoint, { block, times });
      const given = [...answers.values()].map((each) => each.block);
      const agreeing = given.filter((each) => each.hash === hash).length;
      const rivals = given.filter(
        (each) => each.hash !== hash && this.#isRival(each, block),
      ).length;
      const isAgreed = this.isLost(hash)
        ? agreeing === this.#pool.there.length
        : rivals === 0
          ? Math.max(agreeing, times) > 1
          : agreeing > 1 && agreeing > rivals;
      if (isAgreed) return;
      const number = Number(block.number);
      throw new RpcProblem("unproven", `nobody else names ${hash} as block ${number}`);
    };
  }

  /** Whether as much speaks for one block as for another of the same height. */
  #isRival(block: RawBlock, other: RawBlock): boolean {
    const before = this.#given.get(Number(block.number) - 1)?.hash;
    const isLinked = ({ parentHash }: RawBlock): boolean => parentHash === before;
    return !this.isLost(block.hash) && (isLinked(block) || !isLinked(other));
  }

  /** A block was given by its number. */
  gave({ number, hash, parentHash }: RawBlock): void {
    const at = Number(number);
    const [before, after] = [this.#given.get(at - 1), this.#given.get(at + 1)];
    if ((before && before.hash !== parentHash) || (after && after.parentHash !== hash))
      this.#doubt();
    keep(this.#given, MOST_KEPT);
    this.#given.delete(at);
    this.#given.set(at, { hash, parentHash });
  }

  /** No endpoint knows a block by its hash. */
  lost(hash: string): void {
    keep(this.#lost, MOST_KEPT);
    this.#lost.add(hash.toLowerCase());
    this.#doubt();
  }

  /** Some endpoint does. */
  found(hash: string): void {
    this.#lost.delete(hash.toLowerCase());
  }

  isLost(hash: string): boolean {
    return this.#lost.has(hash.toLowerCase());
  }

  #doubt(): void {
    this.#untilMs = this.#pool.clock.now() + DOUBT_MS;
  }
}

/** Makes room for one more. */
function keep<T>(
  kept: { size: number; keys(): Iterator<T>; delete(key: T): unknown },
  most: number,
) {
  if (kept.size < most) return;
  const { value, done } = kept.keys().next();
  if (!done) kept.delete(value);
}
