import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { ChaosWorld } from "./chaos-world.ts";
import { Fleet } from "./fleet.ts";
import { EVENTS_ONLY, FINAL_TOPIC } from "./settings.ts";

const EFFECT_POINTS = ["effect", "move-mark", "effect-commit"];
export const LEDGER_POINTS = EFFECT_POINTS.flatMap((name) =>
  ["before", "during", "after"].map((when) => `${when}:${name}`),
);

/** The example consumer at work on the final topic, in a process of its own. */
export class Ledger {
  readonly processes: Fleet;
  readonly #world: ChaosWorld;
  #generation = 0;

  private constructor(world: ChaosWorld, root: string, env: Record<string, string>) {
    this.#world = world;
    this.processes = new Fleet({
      script: join(root, "test/chaos/ledger-process.ts"),
      env: () => ({ ...env, SUBSCRIPTION: this.subscription }),
      logFolder: world.folder,
      name: "ledger",
      size: 1,
      nextDeath: () => null,
      leaderDeath: () => null,
      onKilled: () => undefined,
    });
  }

  static async start(
    world: ChaosWorld,
    root: string,
    env: Record<string, string>,
  ): Promise<Ledger> {
    await world.subscribe(FINAL_TOPIC, `${FINAL_TOPIC}.ledger-0`, EVENTS_ONLY);
    return new Ledger(world, root, env);
  }

  get subscription(): string {
    return `${FINAL_TOPIC}.ledger-${this.#generation}`;
  }

  /** After the topic was made again. */
  async subscribeAgain(): Promise<void> {
    const next = `${FINAL_TOPIC}.ledger-${this.#generation + 1}`;
    await this.#world.subscribe(FINAL_TOPIC, next, EVENTS_ONLY);
    this.#generation += 1;
    for (const member of this.processes.members) this.processes.kill(member, "new subscription");
  }

  /** Waits until everything that its topic held was applied. False when it does not come to it. */
  async catchUp(withinMs: number): Promise<boolean> {
    const startedMs = performance.now();
    while (performance.now() - startedMs < withinMs) {
      if (this.#world.unsettled(this.subscription) === 0) return true;
      await setTimeout(50);
    }
    return false;
  }
}
