import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { ConfigError } from "../../config/config-error.ts";
import type { EventLog } from "../../config/event-log.ts";
import { isLoopback } from "./access/client-address.ts";
import { type ApiConfig, createApp } from "./create-app.ts";
import { CaptureHint } from "./feed/capture-hint.ts";
import { openReadPool } from "./read/read-pool.ts";

export type StartApiOptions = ApiConfig & {
  /** 0 lets the system choose. */
  port: number;
  databaseUrl: string;
  statementTimeoutMs: number;
  log: EventLog;
};

export type RunningApi = {
  port: number;
  /** Takes no more requests, lets those that are there finish for a while, and ends. */
  stop(): Promise<void>;
};

/**
 * Connections beside those of readers: for the looks at how far the index is, at the keys, and at the
 * ends of the feeds. One more, outside the pool, listens.
 */
const LOOKERS = 5;
const FINISH_MS = 5_000;
const POOL_END_MS = 2_000;
/** Of clients, beside their streams. */
const MOST_CONNECTIONS = 1_000;
/** A client that sends its request more slowly than this is cut off, in milliseconds. */
const SLOWEST = { headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 65_000 };
const MAX_HEADER_BYTES = 16_384;

/**
 * Serves the query side until it is stopped.
 *
 * @throws ConfigError when others can reach it and there is no key
 */
export async function startApi(options: StartApiOptions): Promise<RunningApi> {
  const { hostname, port, databaseUrl, statementTimeoutMs, log, connections } = options;
  const pool = openReadPool({
    databaseUrl,
    statementTimeoutMs,
    connections: connections + LOOKERS,
  });
  const hint = new CaptureHint(databaseUrl);
  const { app, watch, keys, hub } = createApp({ pool, hint, config: options, log });
  await keys.refresh();
  if (!isLoopback(hostname) && keys.isKnown && !keys.isNeeded && !options.isAnonymousAllowed) {
    await pool.end();
    throw new ConfigError([{ where: "API_HOST", what: withoutKeys(hostname) }]);
  }
  const server = await new Promise<Server>((resolve, reject) => {
    const listening = serve(
      {
        ...{ fetch: app.fetch, hostname, port },
        serverOptions: {
          ...SLOWEST,
          maxHeaderSize: MAX_HEADER_BYTES,
          connectionsCheckingInterval: 5_000,
        },
      },
      () => resolve(listening),
    ) as Server;
    listening.maxConnections = MOST_CONNECTIONS + options.streams;
    listening.once("error", reject);
  });
  watch.start();
  keys.start();
  hub.start();
  hint.start();
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    stop: async () => {
      watch.stop();
      keys.stop();
      hub.stop();
      await closeServer(server);
      await hint.stop();
      // A database that does not answer would never say goodbye.
      await Promise.race([pool.end(), new Promise((done) => setTimeout(done, POOL_END_MS))]);
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((done) => {
    const force = setTimeout(() => server.closeAllConnections(), FINISH_MS);
    server.close(() => {
      clearTimeout(force);
      done();
    });
    server.closeIdleConnections();
  });
}

function withoutKeys(hostname: string): string {
  return `others can reach ${hostname}, and there is no key: make one with "npm run keys -- create <name>" or set API_KEYS; API_ANONYMOUS=true serves everybody without`;
}
