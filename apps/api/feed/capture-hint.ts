import { setTimeout } from "node:timers/promises";
import pg from "pg";

/** What the relay notifies when it has captured something. */
const CHANNEL = "relay_captured";
const CONNECT_MS = 3_000;
const AGAIN_MS = { first: 1_000, most: 30_000 };
/** More notifications than this in a second are nobody's but a forger's. */
const FLOOD = 1_000;
const FLOOD_PAUSE_MS = 10_000;

/**
 * Says that the relay may have captured something. It is only ever a hint: anybody who may connect
 * can notify, a standby cannot listen, and whoever waits for it looks by the clock as well. While
 * there are too many, nobody listens.
 */
export class CaptureHint {
  readonly #databaseUrl: string;
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  #client: pg.Client | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  /** @returns a function that ends it */
  on(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    this.#running = this.#listenAgainAndAgain();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    void this.#client?.end().catch(() => undefined);
    await this.#running;
  }

  async #listenAgainAndAgain(): Promise<void> {
    const { signal } = this.#stop;
    let pauseMs = AGAIN_MS.first;
    while (!signal.aborted) {
      const how = await this.#listen();
      pauseMs = how === "failed" ? Math.min(2 * pauseMs, AGAIN_MS.most) : AGAIN_MS.first;
      const waitMs = how === "flooded" ? FLOOD_PAUSE_MS : pauseMs;
      await setTimeout(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Listens until the connection ends. */
  async #listen(): Promise<"failed" | "ended" | "flooded"> {
    const client = new pg.Client({
      connectionString: this.#databaseUrl,
      application_name: "escrow-stream api listens",
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: CONNECT_MS,
      keepAlive: true,
    });
    const ended = new Promise<void>((resolve) => client.once("end", resolve));
    let second = 0;
    let count = 0;
    let isFlooded = false;
    client.on("error", () => undefined);
    client.on("notification", () => {
      const now = Math.floor(performance.now() / 1_000);
      count = now === second ? count + 1 : 1;
      second = now;
      if (count <= FLOOD) for (const listener of this.#listeners) listener();
      else if (!isFlooded) {
        isFlooded = true;
        void client.end().catch(() => undefined);
      }
    });
    this.#client = client;
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
    } catch {
      void client.end().catch(() => undefined);
      return "failed";
    }
    if (!this.#stop.signal.aborted) await ended;
    return isFlooded ? "flooded" : "ended";
  }
}
