import { setTimeout } from "node:timers/promises";
import type pg from "pg";

const POLL_MS = 100;

/** A client that asks for the number of escrows, every 100 ms. */
export class EscrowCounts {
  readonly #ask: () => Promise<number>;
  readonly #counts: number[] = [];
  readonly #running: Promise<void>;
  #isStopped = false;
  #refused = 0;
  #longestSilenceMs = 0;

  /** @param ask rejects when it is refused an answer */
  constructor(ask: () => Promise<number>) {
    this.#ask = ask;
    this.#running = this.#run();
  }

  /** The last answer; 0 before the first. */
  get last(): number {
    return this.#counts.at(-1) ?? 0;
  }

  get answers(): number {
    return this.#counts.length;
  }

  /** How often there was no answer, or none with a number. */
  get refused(): number {
    return this.#refused;
  }

  /** The longest time between two answers. */
  get longestSilenceMs(): number {
    return this.#longestSilenceMs;
  }

  /** How often the number was lower than in the answer before. */
  get falls(): number {
    return this.#counts.filter((count, at) => count < (this.#counts[at - 1] ?? 0)).length;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    let answeredMs = performance.now();
    while (!this.#isStopped) {
      const count = await this.#ask().catch(() => null);
      if (count === null) this.#refused += 1;
      else {
        const silenceMs = performance.now() - answeredMs;
        if (this.#counts.length > 0)
          this.#longestSilenceMs = Math.max(this.#longestSilenceMs, silenceMs);
        answeredMs = performance.now();
        this.#counts.push(count);
      }
      await setTimeout(POLL_MS);
    }
  }
}

/** @throws when the answer is another than 200 */
export async function countByGraphql(url: string): Promise<number> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ escrows { totalCount } }" }),
  });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  const { data } = (await response.json()) as { data: { escrows: { totalCount: number } } };
  return data.escrows.totalCount;
}

/** @throws while the index is catching up */
export async function countBySql(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query(
    "select count(*)::int as escrows from escrow.escrow where escrow.steady()",
  );
  return rows[0].escrows;
}
