import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { ConfigError } from "../../config/config-error.ts";
import { readRepairs } from "./cache-repair.ts";

const LOCK = "hashtextextended('escrow-stream cache', 0)";
const RETRY_MS = 100;
const POLL_MS = 1_000;
/** An index is made once; everything else goes in pieces. */
const STATEMENT_TIMEOUT_MS = 600_000;
/** Engines look for an order every second, and end within six. A trim may take minutes. */
const WAIT_MS = { alone: 60_000, shared: 600_000 };

/**
 * A process's part in the engine's cache. Every engine of ours holds a shared lock while it runs:
 * it keeps the children that it read at its start in memory, and marks blocks as asked for by what it
 * knows. So nobody trims the cache beside it, and it ends when a trim is ordered.
 *
 * Advisory locks of a session: the database lets go of them when the process is gone, however it went.
 */
export class CacheHold {
  readonly client: pg.Client;

  private constructor(client: pg.Client) {
    this.client = client;
  }

  static async connect(databaseUrl: string): Promise<CacheHold> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: "cache",
      statement_timeout: STATEMENT_TIMEOUT_MS,
    });
    client.on("error", () => undefined);
    await client.connect();
    return new CacheHold(client);
  }

  /**
   * Does some work while no engine runs on the cache.
   *
   * @throws ConfigError when one does not end
   */
  async alone(work: () => Promise<void>): Promise<void> {
    await this.#lock("pg_try_advisory_lock", WAIT_MS.alone);
    try {
      await work();
    } finally {
      await this.client.query(`select pg_advisory_unlock(${LOCK})`);
    }
  }

  /** Keeps the cache as it is until this process ends, or `stop`. */
  async share(): Promise<void> {
    await this.#lock("pg_try_advisory_lock_shared", WAIT_MS.shared);
  }

  async stop(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }

  async #lock(how: string, waitMs: number): Promise<void> {
    const deadlineMs = performance.now() + waitMs;
    for (;;) {
      const { rows } = await this.client.query(`select ${how}(${LOCK}) as held`);
      if (rows[0].held) return;
      if (performance.now() >= deadlineMs)
        throw new ConfigError([
          {
            where: "DATABASE_URL",
            what: "another engine uses the cache of RPC answers, and does not end",
            mayPass: true,
          },
        ]);
      await setTimeout(RETRY_MS);
    }
  }
}

/**
 * Resolves when an engine on the cache has to end, because a trim of one of its chains is ordered.
 * A database that does not answer is asked again: the lock was lost with the connection.
 */
export async function waitForOrder(
  databaseUrl: string,
  held: CacheHold,
  chainIds: number[],
): Promise<void> {
  let hold = held;
  for (;;) {
    try {
      const repairs = await readRepairs(hold.client, chainIds);
      if (repairs.some(({ state }) => state === "ordered")) return;
      await setTimeout(POLL_MS, undefined, { ref: false });
    } catch {
      await hold.stop();
      await setTimeout(POLL_MS, undefined, { ref: false });
      try {
        hold = await CacheHold.connect(databaseUrl);
        await hold.share();
      } catch {
        // The next round tries again.
      }
    }
  }
}
