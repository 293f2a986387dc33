import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Logger } from "pino";

const RECONNECT_MS = 1_000;
/** Who listens hears nothing of a connection that fell silent: so it asks, from time to time. */
const PULSE_MS = 30_000;
const ANSWER_MS = 10_000;
/** Whoever may connect may notify, as often as they like: for so long at most one wake is passed on. */
const PAUSE_MS = 25;

/**
 * Calls `onWake` with the channel when one of them is notified. A NOTIFY is only ever a latency
 * hint: while the connection is away nothing is missed, because whoever is woken polls as well. What
 * it says is not read, and many of them wake no more often than a few: anybody may have sent them.
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
  const wakes = new Map(channels.map((channel) => [channel, paced(() => onWake(channel))]));

  const listen = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const next = new pg.Client({
        connectionString: databaseUrl,
        application_name: "relay_listen",
        connectionTimeoutMillis: ANSWER_MS,
        query_timeout: ANSWER_MS,
        keepAlive: true,
      });
      const gone = new AbortController();
      next.once("end", () => gone.abort());
      const signal = AbortSignal.any([gone.signal, stopped.signal]);
      next.on("notification", ({ channel }) => wakes.get(channel)?.());
      next.on("error", (error) =>
        log.debug({ event: "wake.interrupted", err: error }, "listening was interrupted"),
      );
      client = next;
      try {
        await next.connect();
        for (const channel of channels) await next.query(`listen "${channel}"`);
        for (const channel of channels) onWake(channel);
        while (await sleep(PULSE_MS, true, { signal }).catch(() => false))
          await next.query("select");
      } catch (error) {
        log.debug({ event: "wake.failed", err: error }, "listening failed; trying again");
        void next.end().catch(() => undefined);
      }
      await sleep(RECONNECT_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const listening = listen();

  return async () => {
    stopped.abort();
    // Nobody may be there to say good-bye to.
    void client?.end().catch(() => undefined);
    await listening;
  };
}

/** The same, at once and then no more often than the pause allows; the last call is never lost. */
function paced(wake: () => void): () => void {
  let resting: NodeJS.Timeout | null = null;
  let isAsked = false;
  return () => {
    isAsked = resting !== null;
    if (isAsked) return;
    wake();
    resting = setTimeout(function rest() {
      resting = isAsked ? setTimeout(rest, PAUSE_MS).unref() : null;
      if (isAsked) wake();
      isAsked = false;
    }, PAUSE_MS).unref();
  };
}
