import type { EndpointPool } from "./endpoint-pool.ts";
import type { HeaderLayout } from "./header-layouts.ts";
import type { RawBlock } from "./raw-block.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** How often one has to be given, by what is known of the layout that it should have. */
const TIMES: Record<HeaderLayout, number> = { known: 5, new: 4, unknown: 2 };

/**
 * Who gave a block that does not prove itself, to one question: a header that does not make its hash,
 * or transactions that do not give the root. It is a lie, unless the endpoints give the same one
 * again and again: then the chain has a layout that is not known here (a fork brought a new field),
 * and standing still would help nobody. All of them have to where the layout is known; elsewhere
 * most, or one liar would hold everybody up.
 */
export class BlockDoubts {
  readonly #what: string;
  readonly #pool: EndpointPool;
  readonly #layoutOf: (number: number) => HeaderLayout;
  readonly #given = new Map<RpcEndpoint, { block: RawBlock; content: string; times: number }>();

  /**
   * @param what is given, in words: "a header that …"
   * @param layoutOf what is known of a block's layout by its number
   */
  constructor(pool: EndpointPool, what: string, layoutOf: (number: number) => HeaderLayout) {
    this.#pool = pool;
    this.#what = what;
    this.#layoutOf = layoutOf;
  }

  /** @throws RpcProblem `unproven` while it was not given often enough */
  add(block: RawBlock, endpoint: RpcEndpoint): void {
    const content = contentOf(block);
    const before = this.#given.get(endpoint);
    const times = before?.content === content ? before.times + 1 : 1;
    this.#given.set(endpoint, { block, content, times });
    const layout = this.#layoutOf(Number(block.number));
    const all = this.#pool.there;
    const agreeing = all.filter((each) => {
      const given = this.#given.get(each);
      return given?.content === content && given.times >= TIMES[layout];
    });
    const isAgreed =
      layout === "known" ? agreeing.length === all.length : agreeing.length * 2 > all.length;
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

/** What of a block decides rows: clients differ in the rest. */
function contentOf(block: RawBlock): string {
  const { hash, number, parentHash, timestamp, logsBloom, receiptsRoot, transactions } = block;
  const hashes = Array.isArray(transactions) ? transactions.map((each) => each?.hash ?? each) : [];
  const facts = [hash, number, parentHash, timestamp, logsBloom, receiptsRoot, ...hashes];
  return facts.join().toLowerCase();
}
