import { wholeNumber } from "./chain-log.ts";
import type { EndpointAbilitiesStatus } from "./endpoint-abilities.ts";
import type { EndpointStatus } from "./endpoint-health.ts";
import { type Clock, realClock } from "./request-pace.ts";
import type { Question, RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcProblem } from "./rpc-problem.ts";

export type EndpointPoolSettings = {
  chainId: number;
  /** In order of preference. */
  endpoints: readonly RpcEndpoint[];
  /** How often every endpoint that is usable is asked, before the caller hears of it; 5 unless given. */
  rounds?: number;
  /** Called with what an operator should know: an endpoint that lies, a header of unknown layout. */
  say?: (event: string, text: string) => void;
  clock?: Clock;
};

/** Which chain an endpoint says that it is of; null, why and of what kind, when it is silent. */
export type EndpointIdentity = {
  host: string;
  chainId: number | null;
  problem: string;
  kind: RpcProblem["kind"] | null;
};

/** A question whose answer is read in the light of who gave it. */
type PoolQuestion<T> = Omit<Question<T>, "parse"> & {
  parse: (answer: unknown, endpoint: RpcEndpoint) => T | Promise<T>;
};

const ROUNDS = 5;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 3_000;
/** What the same endpoint would say again, whenever it is asked. */
const IS_FINAL: ReadonlySet<string> = new Set(["refused", "needs-address", "no-state"]);

/**
 * The RPC endpoints of one chain. Each question goes to them in turn, the healthiest first, until one
 * gives an answer that can be true:
 *
 *   ask ──answer──► checked ──► given
 *    ▲                 └──lie, null, error──► next endpoint; all of them failed: wait, next round
 *    └────────────────────────────────────────────┘        after the last round: RpcProblem
 *
 * A failed question leaves nothing behind, so asking again never makes a hole.
 */
export class EndpointPool {
  readonly chainId: number;
  readonly say: (event: string, text: string) => void;
  readonly clock: Clock;
  readonly #endpoints: readonly RpcEndpoint[];
  readonly #rounds: number;
  readonly #rightChain = new Set<RpcEndpoint>();

  constructor(settings: EndpointPoolSettings) {
    const { chainId, endpoints, say, clock = realClock, rounds = ROUNDS } = settings;
    this.chainId = chainId;
    this.say = say ?? (() => undefined);
    this.clock = clock;
    this.#endpoints = endpoints;
    this.#rounds = rounds;
  }

  get status(): (EndpointStatus & { can: EndpointAbilitiesStatus })[] {
    return this.#endpoints.map(({ health, abilities }) => ({
      ...health.status,
      can: abilities.status,
    }));
  }

  /** Requests sent so far, those that failed included. */
  get requests(): number {
    return this.#endpoints.reduce((sum, { requests }) => sum + requests, 0);
  }

  /** All that were not taken out for good. */
  get there(): readonly RpcEndpoint[] {
    return this.#endpoints.filter(({ health }) => !health.isOut);
  }

  /** The usable ones, the healthiest first and those that lag last; all, when none is usable. */
  inTurn(can: (endpoint: RpcEndpoint) => boolean = () => true): readonly RpcEndpoint[] {
    const able = this.there.filter(can);
    const usable = able.filter(({ isUsable }) => isUsable);
    return (usable.length > 0 ? usable : able).toSorted(
      (a, b) =>
        Number(a.health.isLagging) - Number(b.health.isLagging) ||
        Math.round(10 * b.health.score) - Math.round(10 * a.health.score),
    );
  }

  /** @throws RpcProblem of the last endpoint that was asked, after the last round */
  async ask<T>(
    method: string,
    params: unknown[],
    question: PoolQuestion<T>,
    rounds = this.#rounds,
  ): Promise<T> {
    const { value } = await this.each((endpoint) => askOne(endpoint, method, params, question), {
      rounds,
    });
    return value;
  }

  /**
   * Lets endpoints try in turn.
   *
   * @param can whether an endpoint is worth asking; who cannot is left out
   * @returns the first success, and whose it was
   * @throws RpcProblem
   */
  async each<T>(
    read: (endpoint: RpcEndpoint) => Promise<T>,
    {
      rounds = this.#rounds,
      can,
    }: { rounds?: number; can?: (endpoint: RpcEndpoint) => boolean } = {},
  ): Promise<{ endpoint: RpcEndpoint; value: T }> {
    let noState: RpcProblem | null = null;
    let problem = new RpcProblem("transient", `chain ${this.chainId}: no endpoint is usable`);
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await this.clock.sleep(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** round));
      let refusals = 0;
      const endpoints = this.inTurn(can);
      if (endpoints.length === 0 && this.there.length > 0)
        throw new RpcProblem("refused", `chain ${this.chainId}: no endpoint can answer that`);
      for (const endpoint of endpoints)
        try {
          await this.mustBeOfChain(endpoint);
          return { endpoint, value: await read(endpoint) };
        } catch (error) {
          if (!(error instanceof RpcProblem)) throw error;
          problem = error;
          if (error.kind === "no-state") noState = error;
          if (IS_FINAL.has(error.kind)) refusals += 1;
        }
      if (refusals > 0 && refusals === endpoints.length) break;
    }
    throw noState ?? problem;
  }

  /** Each endpoint: which chain it says that it is of; null when it does not answer, asked twice. */
  async identify(): Promise<EndpointIdentity[]> {
    return await Promise.all(
      this.#endpoints.map(async (endpoint) => {
        const { host } = endpoint;
        const ask = (): Promise<number> =>
          endpoint.askOnce("eth_chainId", [], { what: "", parse: chainIdIn });
        try {
          return { host, chainId: await ask().catch(onceMore(ask)), problem: "", kind: null };
        } catch (error) {
          if (!(error instanceof RpcProblem)) throw error;
          return { host, chainId: null, problem: error.message, kind: error.kind };
        }
      }),
    );
  }

  /** @throws RpcProblem when the endpoint is of another chain: it is never asked again */
  async mustBeOfChain(endpoint: RpcEndpoint): Promise<void> {
    if (this.#rightChain.has(endpoint)) return;
    const id = await endpoint.askOnce("eth_chainId", [], { what: "", parse: chainIdIn });
    if (id === this.chainId) {
      this.#rightChain.add(endpoint);
      return;
    }
    const why = `it is of chain ${id}, not ${this.chainId}`;
    endpoint.health.takeOut(why);
    this.say("source.wrong-chain", `${endpoint.host}: ${why}`);
    throw new RpcProblem("refused", `${endpoint.host}: ${why}`);
  }
}

function onceMore<T>(ask: () => Promise<T>): (error: unknown) => Promise<T> {
  return async (error) => {
    if (error instanceof RpcProblem && IS_FINAL.has(error.kind)) throw error;
    return await ask();
  };
}

function chainIdIn(answer: unknown): number {
  return wholeNumber(answer, "the chain id");
}

async function askOne<T>(
  endpoint: RpcEndpoint,
  method: string,
  params: unknown[],
  question: PoolQuestion<T>,
): Promise<T> {
  return await endpoint.askOnce(method, params, {
    ...question,
    parse: (answer) => question.parse(answer, endpoint),
  });
}
