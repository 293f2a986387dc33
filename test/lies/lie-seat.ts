import { setTimeout } from "node:timers/promises";
import type { TestWorld } from "../support/test-world.ts";
import type { TopicRecorder } from "../support/topic-recorder.ts";
import { TopicsJudge } from "./judge-topics.ts";
import { WitnessJudge } from "./judge-witness.ts";
import { emptyVerdict, type LieVerdict } from "./lie-verdict.ts";
import type { LiedChain } from "./lied-chain.ts";

/** When lies are told, and to whom. */
export const PHASES = ["backfill", "live", "evidence", "witness"] as const;
export type Phase = (typeof PHASES)[number];

/** What came of the lies that were told in a phase, and how many were. */
export type PhasePlayed = { verdict: LieVerdict; told: number };

export type SeatOptions = {
  world: TestWorld;
  databaseUrl: string;
  recorder: TopicRecorder;
  /** How long anything may take to come to be, in milliseconds. */
  patienceMs: number;
};

const LOOK_MS = 1_000;

/** One chain of a round, and what is known of how it went. */
export class LieSeat {
  readonly lied: LiedChain;
  readonly topics: TopicsJudge;
  readonly witness: WitnessJudge;
  readonly phases = Object.fromEntries(
    PHASES.map((phase) => [phase, { verdict: emptyVerdict(), told: 0 }]),
  ) as Record<Phase, PhasePlayed>;
  readonly #patienceMs: number;

  constructor(lied: LiedChain, { world, databaseUrl, recorder, patienceMs }: SeatOptions) {
    this.lied = lied;
    this.topics = new TopicsJudge(lied, recorder);
    this.witness = new WitnessJudge(world, databaseUrl, lied.chain.chainId, lied.game.lies);
    this.#patienceMs = patienceMs;
  }

  get isStuck(): boolean {
    return PHASES.some((phase) => this.phases[phase].verdict.stuck.length > 0);
  }

  /**
   * Waits for something, and notes that it did not come to be. What was stuck once is not waited for
   * again.
   */
  async until(
    phase: Phase,
    what: string | (() => string),
    isSo: () => Promise<boolean>,
  ): Promise<boolean> {
    if (this.isStuck) return false;
    const deadline = performance.now() + this.#patienceMs;
    while (!(await isSo())) {
      if (performance.now() > deadline) {
        this.phases[phase].verdict.stuck.push(typeof what === "string" ? what : what());
        return false;
      }
      await setTimeout(LOOK_MS);
    }
    return true;
  }

  /** Waits until a topic has what the chain has; what is missing in the end is lost. */
  async settled(phase: Phase, topic: string): Promise<void> {
    let open = { missing: 0, surplus: 0 };
    const what = (): string => `${open.missing} missing and ${open.surplus} too many on ${topic}`;
    const isThere = async (): Promise<boolean> => {
      open = await this.topics.open(topic);
      return open.missing === 0 && open.surplus === 0;
    };
    const wasStuck = this.isStuck;
    if (!(await this.until(phase, what, isThere)) && !wasStuck)
      this.phases[phase].verdict.lost += open.missing;
  }
}
