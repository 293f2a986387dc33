import { serve } from "@hono/node-server";
import type { EventLog } from "../../config/event-log.ts";
import { type ApiConfig, createApp } from "./create-app.ts";
import { openReadPool } from "./read/read-pool.ts";

export type StartApiOptions = ApiConfig & {
  hostname: string;
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

/** Connections beside those of readers: for the looks at how far the index is. */
const LOOKERS = 2;
const FINISH_MS = 5_000;

/** Serves the query side until it is stopped. */
export async function startApi(options: StartApiOptions): Promise<RunningApi> {
  const { hostname, port, databaseUrl, statementTimeoutMs, log, connections } = options;
  const pool = openReadPool({
    databaseUrl,
    statementTimeoutMs,
    connections: connections + LOOKERS,
  });
  const { app, watch } = createApp({ pool, config: options, log });
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const listening = serve({ fetch: app.fetch, hostname, port }, () => resolve(listening));
    listening.once("error", reject);
  });
  watch.start();
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    stop: async () => {
      watch.stop();
      await closeServer(server);
      await pool.end();
    },
  };
}

async function closeServer(server: ReturnType<typeof serve>): Promise<void> {
  await new Promise<void>((done) => {
    const force = setTimeout(() => {
      if ("closeAllConnections" in server) server.closeAllConnections();
    }, FINISH_MS);
    server.close(() => {
      clearTimeout(force);
      done();
    });
  });
}
