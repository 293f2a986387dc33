import { setTimeout } from "node:timers/promises";
import pg from "pg";
import type { EventLog } from "../../config/event-log.ts";
import { grantFeed } from "./grant-feed.ts";
import { reapReaders } from "./reap-readers.ts";

export type WatchReadersOptions = {
  databaseUrl: string;
  log: EventLog;
  /** Ends it. */
  signal: AbortSignal;
  /** Between two looks, in milliseconds. */
  everyMs?: number;
};

const EVERY_MS = 2_000;
const TIMEOUT_MS = 5_000;
const MOST_NAMED = 5;

/**
 * Looks after readers until `signal`: ends sessions that are over their limits, and lets readers read
 * a feed that was made since. Never fails and holds nothing up: a database that does not answer is
 * asked again, and that is logged once.
 */
export async function watchReaders(options: WatchReadersOptions): Promise<void> {
  const { log, signal, everyMs = EVERY_MS } = options;
  let client: pg.Client | null = null;
  let isFailing = false;
  while (!signal.aborted) {
    try {
      client ??= await connect(options.databaseUrl);
      const ended = await reapReaders(client);
      if (ended.length > 0)
        log.warn(
          { event: "reader.ended", sessions: ended.slice(0, MOST_NAMED), count: ended.length },
          `Ended ${ended.length} sessions of readers: ${[...new Set(ended.map(({ role, why }) => `${role}, ${why}`))].join("; ")}.`,
        );
      await grantFeed(client);
      isFailing = false;
    } catch (error) {
      await client?.end().catch(() => undefined);
      client = null;
      if (!isFailing)
        log.warn(
          { event: "reader.unwatched", reason: String(error) },
          `Sessions of readers cannot be looked after: ${String(error)}. Trying again.`,
        );
      isFailing = true;
    }
    await setTimeout(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
  await client?.end().catch(() => undefined);
}

async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: "readers",
    connectionTimeoutMillis: TIMEOUT_MS,
    statement_timeout: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS + 1_000,
    keepAlive: true,
  });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
