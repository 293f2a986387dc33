import { setTimeout as sleep } from "node:timers/promises";
import type { Address, Hash } from "viem";
import { type ChainClient, connectToChain } from "./chain-client.ts";
import { type Deal, SECONDS_PER_DAY } from "./deal.ts";
import type { DeployedFactories } from "./deploy-factories.ts";
import { createCall, type EscrowCall, partyCall } from "./escrow-call.ts";
import { countLogs, deployedEscrows, type TrafficStats } from "./escrow-logs.ts";
import { planStep, type Step, type TrafficModel } from "./plan-step.ts";
import { readTrafficModel } from "./read-traffic-model.ts";
import { SeededRandom } from "./seeded-random.ts";
import { trafficParties } from "./traffic-parties.ts";
import { waitForReceipts } from "./wait-for-receipts.ts";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const MODEL_LAG_SECONDS = 600;

export type TrafficOptions = {
  rpcUrl: string;
  chainId: number;
  factories: DeployedFactories;
  /** The same seed on the same fresh chain gives the same transactions. */
  seed: number;
  eventsPerSecond: number;
  /** Ends by itself after this many transactions. */
  maxSteps?: number;
  /** Mines the blocks itself, and ends as soon as another day would lie ahead of the wall clock. */
  untilToday?: boolean;
  signal?: AbortSignal;
  /** Called with each failure; the generator goes on by itself. */
  onError?: (error: unknown) => void;
};

export type Traffic = {
  /** Resolves when everything that was sent is mined or given up. */
  stop(): Promise<void>;
  stats(): TrafficStats;
  /** Resolves when the generator has ended, for whatever reason. */
  readonly ended: Promise<void>;
};

/** Begins to play escrow deals between the local chain's unlocked accounts. Never rejects. */
export function startTraffic(options: TrafficOptions): Traffic {
  const traffic = new EscrowTraffic(options);
  const ended = traffic.run();
  options.signal?.addEventListener("abort", () => traffic.stop(), { once: true });
  if (options.signal?.aborted) traffic.stop();
  return {
    ended,
    stats: () => ({ ...traffic.stats }),
    stop: () => {
      traffic.stop();
      return ended;
    },
  };
}

/**
 * Two states: playing (plan a step, send it, keep the pace, look at receipts now and then) and
 * backing off. Whatever goes wrong while playing, be it an RPC failure, a reorg or a reverted
 * call, leads to backing off, and from there everything known is read from the chain again: the
 * chain alone is the truth, so there is nothing to repair.
 */
class EscrowTraffic {
  readonly stats: TrafficStats = {
    created: 0,
    approved: 0,
    released: 0,
    refunded: 0,
    arbiterChanged: 0,
  };
  readonly #options: TrafficOptions;
  readonly #client: ChainClient;
  readonly #stopping = new AbortController();
  #inFlight: { hash: Hash; step: Step }[] = [];
  #steps = 0;
  #dueAt = performance.now();
  #retryMs = FIRST_RETRY_MS;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#client = connectToChain(options.rpcUrl);
  }

  stop(): void {
    this.#stopping.abort();
  }

  async run(): Promise<void> {
    while (!this.#hasEnded()) {
      try {
        await this.#play();
      } catch (error) {
        this.#options.onError?.(error);
        await this.#pause(this.#retryMs);
        this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
      }
    }
  }

  async #play(): Promise<void> {
    const { factories, seed, chainId } = this.#options;
    const parties = await trafficParties(this.#client);
    this.#inFlight = [];
    const nonces = await Promise.all(
      parties.map((address) => this.#client.getTransactionCount({ address })),
    );
    const sentBefore = nonces.reduce((sum, nonce) => sum + nonce, 0);
    const random = new SeededRandom(`${seed}/${chainId}/${sentBefore}`);
    const model = await readTrafficModel(this.#client, factories, parties);

    while (!this.#hasEnded()) {
      const step = planStep(model, random);
      if (step.kind === "nextDay") {
        await this.#mine();
        if (!(await this.#advanceDay(model))) return;
        continue;
      }
      await this.#send(step);
      // A creation has two logs, and so has the approval that releases, which closes the deal.
      const releases = step.kind === "approve" && !model.deals.includes(step.deal);
      await this.#keepPace(step.kind === "create" || releases ? 2 : 1);
    }
    await this.#mine();
  }

  async #send(step: Exclude<Step, { kind: "nextDay" }>): Promise<void> {
    const patience = Math.ceil(this.#options.eventsPerSecond * 4);
    const addressIsMissing = step.kind !== "create" && step.deal.address === undefined;
    if (addressIsMissing || this.#inFlight.length >= Math.min(patience, 100)) await this.#mine();

    const call = callOf(step, this.#options.factories);
    const hash = await this.#client.request({ method: "eth_sendTransaction", params: [call] });
    this.#inFlight.push({ hash, step });
    this.#steps += 1;
  }

  /** Has everything that was sent mined, and learns the new escrows' addresses. */
  async #mine(): Promise<void> {
    const hashes = this.#inFlight.map(({ hash }) => hash);
    if (hashes.length > 0 && (await this.#mayMine())) await this.#client.mine({ blocks: 1 });
    const receipts = await waitForReceipts(this.#client, hashes);
    for (const [index, { hash, step }] of this.#inFlight.entries()) {
      const receipt = receipts[index];
      // A call to an escrow that a reorg took away succeeds, but leaves no log.
      if (receipt?.status !== "0x1" || receipt.logs.length === 0) {
        throw new Error(`${step.kind} ${hash} had no effect`);
      }
      countLogs(receipt.logs, this.stats);
      if (step.kind === "create") step.deal.address = deployedEscrows(receipt.logs)[0];
    }
    this.#inFlight = [];
    this.#retryMs = FIRST_RETRY_MS;
  }

  /**
   * A chain that mines by the clock is not waited for, or each planned day would cost a block time;
   * nor is one that is ours alone until today. Any other that does not mine is in a reorg.
   */
  async #mayMine(): Promise<boolean> {
    if (this.#options.untilToday) return true;
    return (await this.#client.request({ method: "anvil_getIntervalMining" })) !== null;
  }

  /**
   * Jumps to the next chain day, but never past the wall clock: there the chain's days are as long
   * as anybody's.
   *
   * @returns False when so much time has passed by itself that the model must be read again.
   */
  async #advanceDay(model: TrafficModel): Promise<boolean> {
    const chainTime = Number((await this.#client.getBlock()).timestamp);
    if (chainTime + SECONDS_PER_DAY > Date.now() / 1_000) {
      if (this.#options.untilToday) this.stop();
      return chainTime - model.now < MODEL_LAG_SECONDS;
    }
    await this.#client.increaseTime({ seconds: SECONDS_PER_DAY });
    model.now += SECONDS_PER_DAY;
    return true;
  }

  /** Waits until the events sent so far fit the wanted rate. At most 5 s of delay are caught up. */
  async #keepPace(events: number): Promise<void> {
    const now = performance.now();
    this.#dueAt = Math.max(this.#dueAt, now - 5_000);
    this.#dueAt += (events * 1_000) / this.#options.eventsPerSecond;
    if (this.#dueAt > now) await this.#pause(this.#dueAt - now);
  }

  async #pause(milliseconds: number): Promise<void> {
    try {
      await sleep(milliseconds, undefined, { signal: this.#stopping.signal });
    } catch {
      // Stopping ends every pause.
    }
  }

  #hasEnded(): boolean {
    return this.#stopping.signal.aborted || this.#steps >= (this.#options.maxSteps ?? Infinity);
  }
}

function callOf(
  step: Exclude<Step, { kind: "nextDay" }>,
  { revisionA, revisionB }: DeployedFactories,
): EscrowCall {
  if (step.kind === "create") {
    const factory = step.deal.revision === "A" ? revisionA.address : revisionB.address;
    const { payer, payee, arbiter, approvalsRequired } = step.deal;
    const { amount, releaseDelay, salt } = step;
    return createCall({
      factory,
      payer,
      payee,
      arbiter,
      approvalsRequired,
      amount,
      releaseDelay,
      salt,
    });
  }
  const escrow = addressOf(step.deal);
  switch (step.kind) {
    case "approve":
    case "release":
      return partyCall(step.by, escrow, step.kind);
    case "refund":
      return partyCall(step.deal.payer, escrow, "refund");
    case "changeArbiter":
      return partyCall(step.by, escrow, { changeArbiter: step.to });
  }
}

function addressOf(deal: Deal): Address {
  if (deal.address === undefined) throw new Error("The escrow's address is not known yet");
  return deal.address;
}
