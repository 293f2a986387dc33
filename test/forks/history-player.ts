import { setTimeout } from "node:timers/promises";
import type { SeededRandom } from "../../local/chain/seeded-random.ts";
import { ChainHistory } from "./chain-history.ts";
import type { ForkWorld } from "./fork-world.ts";
import type { SimulatedChain } from "./simulated-chain.ts";

/** What a history may have in it besides blocks and forks. */
export const SPECIALS = [
  "none",
  "relay down",
  "nodes disagree",
  "engine down",
  "block returns",
  "fork in backfill",
  "engine restart",
  "relay restart",
] as const;
export type Special = (typeof SPECIALS)[number];

/** How long to wait for the service to have heard of something before the next step. */
const LISTEN_MS = 8_000;
const LONGEST_PAUSE_MS = 400;

/**
 * Plays one history: on one, two or all chains, steps in an order that the seed decides. When it
 * returns all chains are settled, all nodes agree, and engine and relay run.
 */
export class HistoryPlayer {
  readonly histories: readonly ChainHistory[];
  readonly #world: ForkWorld;
  readonly #random: SeededRandom;
  readonly #isHeard: () => Promise<boolean>;
  /** The steps as they were played, for a report. */
  readonly steps: string[] = [];

  /** @param isHeard whether the service has told all that is canonical now */
  constructor(world: ForkWorld, random: SeededRandom, isHeard: () => Promise<boolean>) {
    this.#world = world;
    this.#random = random;
    this.#isHeard = isHeard;
    const chains = [...world.chains];
    const count = random.pick([1, 1, 2, 3]);
    while (chains.length > count) chains.splice(random.integer(0, chains.length - 1), 1);
    this.histories = chains.map((chain) => new ChainHistory(chain, random));
  }

  get forks(): number {
    return this.histories.reduce((sum, { forks }) => sum + forks, 0);
  }

  async play(special: Special): Promise<void> {
    const count = this.#random.integer(3, 6);
    const specialAt = this.#random.integer(1, count - 1);
    this.#mine();
    for (let at = 0; at < count; at++) {
      if (at === specialAt) await this.#playSpecial(special);
      else await this.#playUsual();
    }
    for (const history of this.histories) {
      for (const node of this.#world.nodesOf(history.chain)) node.catchUp();
      history.settle();
    }
  }

  async #playUsual(): Promise<void> {
    const step = this.#random.weighted({ mine: 3, fork: 4, listen: 3 });
    if (step === "mine") this.#mine();
    if (step === "fork") this.#fork();
    if (step === "listen") await this.#listen();
    await this.#pause();
  }

  async #playSpecial(special: Special): Promise<void> {
    const { relay, engine } = this.#world;
    this.steps.push(special);
    switch (special) {
      case "none":
        return this.#playUsual();
      case "nodes disagree":
        return this.#disagree();
      case "block returns":
        return this.#restore();
      case "fork in backfill":
        return this.#forkInBackfill();
      case "relay restart":
      case "relay down":
        await this.#listenPerhaps();
        await (this.#random.chance(0.3) ? relay.stop() : relay.kill());
        if (special === "relay down") this.#playBehindItsBack();
        return relay.start();
      case "engine restart":
      case "engine down":
        await this.#listenPerhaps();
        await (this.#random.chance(0.2) ? engine.stop() : engine.kill());
        if (special === "engine down") this.#playBehindItsBack();
        return engine.start();
    }
  }

  /** One node stays behind, mostly on a branch that is dropped, and catches up after a while. */
  async #disagree(): Promise<void> {
    const { chain } = this.#random.pick(this.histories);
    await this.#listenPerhaps();
    this.#random.pick(this.#world.nodesOf(chain)).fallBehind();
    for (let left = this.#random.integer(1, 3); left > 0; left--) {
      this.#fork(chain);
      if (this.#random.chance(0.5)) this.#mine(chain);
      await this.#pause(4);
    }
    for (const node of this.#world.nodesOf(chain)) node.catchUp();
    this.steps.push("nodes agree");
  }

  async #restore(): Promise<void> {
    const history = this.#random.pick(this.histories);
    await this.#listenPerhaps();
    this.#fork(history.chain);
    if (this.#random.chance(0.8)) await this.#listen();
    if (!history.restore()) return;
    this.steps.push("restore");
    if (this.#random.chance(0.6)) history.mine(this.#random.integer(1, 3));
  }

  /** The engine is far behind, and while it fetches what it missed, the chain forks. */
  async #forkInBackfill(): Promise<void> {
    const { engine, simulator } = this.#world;
    await engine.kill();
    for (const history of this.histories) history.mine(this.#random.integer(60, 90));
    const backfill = simulator.holdBackfill();
    engine.start();
    await Promise.race([backfill.asked, setTimeout(LISTEN_MS * 2)]);
    for (const { chain } of this.histories) this.#fork(chain);
    backfill.goOn();
  }

  #playBehindItsBack(): void {
    for (let left = this.#random.integer(1, 3); left > 0; left--) {
      this.#fork();
      if (this.#random.chance(0.4)) this.#mine();
    }
  }

  #mine(only?: SimulatedChain): void {
    this.steps.push("mine");
    for (const history of this.histories) {
      if (only !== undefined && history.chain !== only) continue;
      history.mine(this.#random.integer(1, 4));
      this.#catchUpIfTooFar(history.chain);
    }
  }

  #fork(only?: SimulatedChain): void {
    const history = this.#random.pick(
      this.histories.filter(({ chain }) => only === undefined || chain === only),
    );
    history.fork();
    this.steps.push(`fork ${history.chain.chainId}`);
    this.#catchUpIfTooFar(history.chain);
  }

  /** No real node stays on a branch that others call replaced for good. */
  #catchUpIfTooFar(chain: SimulatedChain): void {
    for (const node of this.#world.nodesOf(chain))
      if (node.isLagging && chain.commonAncestor(node.head).number < chain.lowestAncestor)
        node.catchUp();
  }

  async #listenPerhaps(): Promise<void> {
    if (this.#random.chance(0.7)) await this.#listen();
  }

  async #listen(): Promise<void> {
    this.steps.push("listen");
    const { engine, relay, nodes } = this.#world;
    if (!engine.isRunning || !relay.isRunning || nodes.some((node) => node.isLagging)) return;
    const deadline = performance.now() + LISTEN_MS;
    while (performance.now() < deadline && !(await this.#isHeard())) await setTimeout(50);
  }

  async #pause(times = 1): Promise<void> {
    await setTimeout(this.#random.integer(0, LONGEST_PAUSE_MS) * times);
  }
}
