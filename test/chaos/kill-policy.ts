import type { SeededRandom } from "../../local/chain/seeded-random.ts";
import type { Death } from "./fleet.ts";
import { ANY_MOMENT, KILL_POINTS, LEAD_POINTS, WORKER_POINTS } from "./kill-points.ts";

/** Leads that are let live: somebody must find out what became of the dead ones' requests, or
 * there is soon nothing left to be killed at. */
const SPARED_LEADS = 0.3;
const SPARED_MS = { min: 3_000, max: 8_000 };
/** Whoever does not come by its point in this time dies where it is. */
const WORKER_MS = { min: 1_500, max: 4_000 };
/** Kills in a row after which nobody heard anything: some get longer lives then, for what nobody
 * is doing cannot be interrupted. The longer it lasts, the longer. */
const KILLS_WITHOUT_NEWS = 12;
const LONGEST_LIFE = 6;

/** Decides where each relay process dies, so that every point gets its share. */
export class KillPolicy {
  readonly counts = new Map<string, number>(KILL_POINTS.map((point) => [point, 0]));
  readonly #random: SeededRandom;
  readonly #target: number;
  readonly #workerPoints: readonly string[];
  readonly #leadPoints: readonly string[];
  readonly #received: () => number;
  #receivedAtKill = 0;
  #killsWithoutNews = 0;
  total = 0;

  /**
   * @param received how many events the subscribers have got
   * @param points those to die at; all of them when left out
   */
  constructor(
    random: SeededRandom,
    target: number,
    received: () => number,
    points: readonly string[] = KILL_POINTS,
  ) {
    this.#received = received;
    this.#workerPoints = WORKER_POINTS.filter((point) => points.includes(point));
    this.#leadPoints = LEAD_POINTS.filter((point) => points.includes(point));
    this.#random = random;
    this.#target = target;
  }

  get isDone(): boolean {
    return this.total >= this.#target;
  }

  count(point: string): void {
    this.total += 1;
    this.counts.set(point, (this.counts.get(point) ?? 0) + 1);
    const received = this.#received();
    this.#killsWithoutNews = received > this.#receivedAtKill ? 0 : this.#killsWithoutNews + 1;
    this.#receivedAtKill = received;
  }

  /** For a process that starts. */
  forWorker(): Death | null {
    if (this.isDone || this.#workerPoints.length === 0) return null;
    if (this.#killsWithoutNews >= KILLS_WITHOUT_NEWS) return this.#lateDeath();
    const nth = this.#random.integer(1, 3);
    const fuseMs = this.#random.integer(WORKER_MS.min, WORKER_MS.max);
    return { point: this.#rarest(this.#workerPoints), nth, fuseMs };
  }

  /** For a process that has just become a leader. */
  forLead(): Death | null {
    if (this.isDone || this.#leadPoints.length === 0) return null;
    if (this.#killsWithoutNews >= KILLS_WITHOUT_NEWS || this.#random.chance(SPARED_LEADS))
      return this.#lateDeath();
    const fuseMs = this.#random.integer(SPARED_MS.min, SPARED_MS.max);
    const nth = this.#random.integer(1, 2);
    return { point: this.#rarest(this.#leadPoints), nth, fuseMs };
  }

  #lateDeath(): Death {
    const times = Math.min(
      1 + Math.floor(this.#killsWithoutNews / KILLS_WITHOUT_NEWS),
      LONGEST_LIFE,
    );
    const fuseMs = times * this.#random.integer(SPARED_MS.min, SPARED_MS.max);
    return { point: ANY_MOMENT, nth: 1, fuseMs };
  }

  /** One of the points at which the fewest died so far, more or less. */
  #rarest(points: readonly string[]): string {
    const some = Array.from({ length: 5 }, () => this.#random.pick(points));
    return some.reduce((rarest, point) =>
      (this.counts.get(point) ?? 0) < (this.counts.get(rarest) ?? 0) ? point : rarest,
    );
  }
}
