import { setTimeout } from "node:timers/promises";
import pg from "pg";
import type { Logger } from "pino";

const RECONNECT_MS = 1_000;

/**
 * Calls `onWake` with the channel when one of them is notified. A NOTIFY is only ever a latency
 * hint: while the connection is away nothing is missed, because whoever is woken polls as well.
 *
 * @returns a function that ends it
 */
export function listenForWakes(
  databaseUrl: string,
  channels: string[],
  onWake: (channel: string) => void,
  log: Logger,
): () => Promise<void> {
  let client: pg.Client | null = null;
  const stopped = new AbortController();

  const listen = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const next = new pg.Client({
        connectionString: databaseUrl,
        application_name: "relay_listen",
      });
      const gone = new Promise<void>((resolve) => next.once("end", resolve));
      next.on("notification", ({ channel }) => onWake(channel));
      next.on("error", (error) =>
        log.debug({ event: "wake.interrupted", err: error }, "listening was interrupted"),
      );
      client = next;
      try {
        await next.connect();
        for (const channel of channels) await next.query(`listen "${channel}"`);
        for (const channel of channels) onWake(channel);
        await gone;
      } catch (error) {
        log.debug({ event: "wake.failed", err: error }, "listening failed; trying again");
        void next.end().catch(() => undefined);
      }
      await setTimeout(RECONNECT_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const listening = listen();

  return async () => {
    stopped.abort();
    await client?.end().catch(() => undefined);
    await listening;
  };
}
