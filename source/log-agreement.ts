import type { Hex } from "../src/events/escrow-event.ts";
import type { RawLog } from "./check-logs.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import { inLogOrder, isSameLogs, logKey } from "./log-order.ts";
import type { RangeFilter, RangeReader } from "./range-reader.ts";
import type { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

export type LogAgreementOptions = {
  /** How many endpoints have to give the same logs of a range. */
  agree: number;
  reader: RangeReader;
  followedThrough: (block: number) => Promise<readonly Hex[]>;
  /** All logs of a block, by the receipts root. */
  provenLogs: (block: number) => Promise<RawLog[]>;
};

/**
 * Makes endpoints agree on the logs of a range. Where two give different ones, the receipts of each
 * block that they differ in say who is right; without receipts nothing is believed.
 */
export class LogAgreement {
  readonly #pool: EndpointPool;
  readonly #options: LogAgreementOptions;
  #disagreements = 0;
  #last: string | null = null;

  constructor(pool: EndpointPool, options: LogAgreementOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  get status(): { required: number; disagreements: number; last: string | null } {
    const { agree } = this.#options;
    return { required: agree, disagreements: this.#disagreements, last: this.#last };
  }

  /**
   * @param logs what the first endpoint gave of the range
   * @returns what as many endpoints as are required give, or what is proven
   * @throws RpcProblem when too few answer, or what they differ in cannot be proven
   */
  async reach(first: RpcEndpoint, logs: RawLog[], range: RangeFilter): Promise<RawLog[]> {
    const { agree, reader } = this.#options;
    const others = agree > 1 ? this.#pool.inTurn((each) => each !== first) : [];
    let agreed = logs;
    let agreeing = 1;
    let problem: RpcProblem | null = null;
    for (const other of others) {
      if (agreeing >= agree) break;
      try {
        await this.#pool.mustBeOfChain(other);
        const theirs = await reader.whole(other, range);
        const [a, b] = await this.#comparable([first, agreed], [other, theirs], range);
        agreed = isSameLogs(a, b) ? a : await this.#truthOf([first, a], [other, b]);
        agreeing += 1;
      } catch (error) {
        if (!(error instanceof RpcProblem)) throw error;
        problem = error;
      }
    }
    if (agreeing >= agree) return agreed;
    throw new RpcProblem(
      "transient",
      `${agreeing} of the ${agree} endpoints that RPC_AGREE asks for gave logs of blocks ${Number(range.fromBlock)} to ${Number(range.toBlock)}: ${problem?.message ?? "no other is usable"}`,
    );
  }

  /** Who demands contracts was asked for ours alone: strangers' logs are no disagreement. */
  async #comparable(
    [first, a]: [RpcEndpoint, RawLog[]],
    [other, b]: [RpcEndpoint, RawLog[]],
    { address, toBlock }: RangeFilter,
  ): Promise<[RawLog[], RawLog[]]> {
    const isOursAlone = first.abilities.needsAddress || other.abilities.needsAddress;
    if (address !== undefined || !isOursAlone) return [a, b];
    const followed = new Set(await this.#options.followedThrough(Number(toBlock)));
    const ofOurs = (log: RawLog): boolean => followed.has(log.address.toLowerCase() as Hex);
    return [a.filter(ofOurs), b.filter(ofOurs)];
  }

  async #truthOf(
    [endpointA, a]: [RpcEndpoint, RawLog[]],
    [endpointB, b]: [RpcEndpoint, RawLog[]],
  ): Promise<RawLog[]> {
    const [inA, inB] = [byKey(a), byKey(b)];
    const disputed = [...inA, ...inB].filter(([key]) => inA.has(key) !== inB.has(key));
    const truth = new Map(inA);
    for (const number of new Set(disputed.map(([, log]) => Number(log.blockNumber)))) {
      this.#note(`${endpointA.host} and ${endpointB.host} give different logs of block ${number}`);
      const proven = byKey(await this.#options.provenLogs(number));
      const wrong = new Map<RpcEndpoint, { leftOut: number; invented: number }>();
      for (const [key, log] of disputed) {
        if (Number(log.blockNumber) !== number) continue;
        if (proven.has(key)) truth.set(key, log);
        else truth.delete(key);
        const liar = proven.has(key) === inA.has(key) ? endpointB : endpointA;
        const count = wrong.get(liar) ?? { leftOut: 0, invented: 0 };
        count[proven.has(key) ? "leftOut" : "invented"] += 1;
        wrong.set(liar, count);
      }
      for (const [{ host, health }, { leftOut, invented }] of wrong) {
        const lie = `it left out ${leftOut} and invented ${invented} logs of block ${number}`;
        health.failed(lie, true);
        this.#pool.say("source.lie", `chain ${this.#pool.chainId}, ${host}: ${lie}`);
      }
    }
    return [...truth.values()].sort(inLogOrder);
  }

  #note(disagreement: string): void {
    this.#disagreements += 1;
    this.#last = disagreement;
    this.#pool.say("source.disagreement", `chain ${this.#pool.chainId}: ${disagreement}`);
  }
}

function byKey(logs: readonly RawLog[]): Map<string, RawLog> {
  return new Map(logs.map((log) => [logKey(log), log]));
}
