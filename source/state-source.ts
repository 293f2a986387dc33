import type { Hex } from "../src/events/escrow-event.ts";
import { hex } from "./chain-log.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** A question to a contract: whom, and what, ABI-encoded. */
export type ContractCall = { to: Hex; data: Hex };

const CANNOT: ReadonlySet<string> = new Set(["refused", "too-large", "needs-address"]);
const WORD = /^0x[0-9a-f]{64}$/;

/**
 * What contracts of one chain answer at a block. A node answers for a block by its hash (EIP-1898) or
 * not at all, so neither a lagging node nor one on another branch can answer for another block. The
 * answer itself is believed: a proof of it would take `eth_getProof` and the contract's layout.
 */
export class StateSource {
  readonly #pool: EndpointPool;
  readonly #agree: number;

  /** @param agree how many endpoints have to give the same answer */
  constructor(pool: EndpointPool, agree: number) {
    this.#pool = pool;
    this.#agree = agree;
  }

  /**
   * Asks a contract for one word at a block that it exists in.
   *
   * @param form of the word, in lower case
   * @throws RpcProblem `no-state` when no endpoint has that block's state; `transient` when too few
   *   agree
   */
  async word({ to, data }: ContractCall, blockHash: Hex, form = WORD): Promise<Hex> {
    const ask = async (endpoint: RpcEndpoint): Promise<Hex> => {
      try {
        return await endpoint.askOnce("eth_call", [{ to, data }, { blockHash }], {
          what: `of ${to} at block ${blockHash}`,
          parse: (answer) => parseWord(answer, form),
        });
      } catch (error) {
        // Without the method, or without EIP-1898: it can tell as little as one without the state.
        if (!(error instanceof RpcProblem) || !CANNOT.has(error.kind)) throw error;
        throw new RpcProblem("no-state", error.message);
      }
    };
    const first = await this.#pool.each(ask);
    if (this.#agree < 2) return first.value;
    return await this.#agreed(first, ask);
  }

  /** The answer that enough endpoints give; who gives another one cannot be proven wrong. */
  async #agreed(
    first: { endpoint: RpcEndpoint; value: Hex },
    ask: (endpoint: RpcEndpoint) => Promise<Hex>,
  ): Promise<Hex> {
    const given = new Map([[first.value, 1]]);
    for (const endpoint of this.#pool.inTurn().filter((each) => each !== first.endpoint))
      try {
        await this.#pool.mustBeOfChain(endpoint);
        const value = await ask(endpoint);
        const times = (given.get(value) ?? 0) + 1;
        if (times >= this.#agree) return value;
        given.set(value, times);
      } catch (error) {
        if (!(error instanceof RpcProblem)) throw error;
      }
    const most = Math.max(...given.values());
    throw new RpcProblem(
      "transient",
      `only ${most} of ${this.#agree} endpoints agree on what a contract answers`,
    );
  }
}

/** Erigon answers `0x` for a block that it has pruned: https://github.com/erigontech/erigon/issues/5274 */
function parseWord(answer: unknown, form: RegExp): Hex {
  if (answer === "0x") throw new RpcProblem("no-state", "it knows of no contract there");
  return hex(answer, form, "the answer");
}
