import type { EndpointPool } from "./endpoint-pool.ts";
import type { RawBlock } from "./raw-block.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** So often every endpoint has to give the same header, on a chain whose headers could be proven. */
const TIMES_AFTER_PROOF = 5;
const TIMES_WITHOUT = 2;

/**
 * Who gave a block that does not prove itself, to one question: a header that does not make its hash,
 * or transactions that do not give the root. It is a lie, unless every endpoint gives the same one
 * again and again: then the chain has a layout that is not known here (a fork brought a new field),
 * and standing still would help nobody.
 */
export class BlockDoubts {
  readonly #what: string;
  readonly #pool: EndpointPool;
  readonly #times: number;
  readonly #given = new Map<RpcEndpoint, { block: RawBlock; times: number }>();

  /**
   * @param what is given, in words: "a header that …"
   * @param isUnknownLayout whether that is nothing new on this chain, or nothing else is known
   */
  constructor(pool: EndpointPool, what: string, isUnknownLayout: boolean) {
    this.#pool = pool;
    this.#what = what;
    this.#times = isUnknownLayout ? TIMES_WITHOUT : TIMES_AFTER_PROOF;
  }

  /** @throws RpcProblem `unproven` while not every endpoint has given it often enough */
  add(block: RawBlock, endpoint: RpcEndpoint): void {
    const before = this.#given.get(endpoint);
    const times = before?.block.hash === block.hash ? before.times + 1 : 1;
    this.#given.set(endpoint, { block, times });
    const isAgreed = this.#pool.there.every((each) => {
      const given = this.#given.get(each);
      return given?.block.hash === block.hash && given.times >= this.#times;
    });
    if (!isAgreed) throw new RpcProblem("unproven", `it gave ${this.#what}: block ${block.hash}`);
  }

  /** Somebody gave one that is proven: whoever gave another one under its hash or number lied. */
  blame({ hash, number }: RawBlock): void {
    for (const [endpoint, { block }] of this.#given) {
      if (block.hash !== hash && block.number !== number) continue;
      const lie = `it gave ${this.#what}: block ${Number(number)}`;
      endpoint.health.failed(lie, true);
      this.#pool.say("source.lie", `chain ${this.#pool.chainId}, ${endpoint.host}: ${lie}`);
    }
  }
}
