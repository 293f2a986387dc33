import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { ChainSource } from "./chain-source.ts";
import { EngineView } from "./engine-view.ts";
import { sourceMetrics } from "./source-metrics.ts";

export type IndexerServerOptions = {
  hostname: string;
  /** 0 lets the system choose. */
  port: number;
  /** Where the engine listens, on loopback. */
  enginePort: number;
  /** Name and source of each chain. */
  chains: readonly { name: string; source: ChainSource }[];
};

export type IndexerServer = { port: number; stop(): Promise<void> };

/** An engine that was silent for so long does not come back by itself. */
const FROZEN_MS = 60_000;

type EngineBlocks = Record<string, { id: number; block: { number: number; timestamp: number } }>;

/**
 * Serves what there is to know about the indexer: `/health` (it lives), `/ready` (the backfill is
 * done), `/status` (each chain with its endpoints) and `/metrics` (Prometheus). It answers within a
 * second whatever the engine does, for it runs beside the engine's thread.
 */
export async function startIndexerServer(options: IndexerServerOptions): Promise<IndexerServer> {
  const engine = new EngineView(`http://127.0.0.1:${options.enginePort}`);
  const app = appOf(engine, options);
  const { hostname, port } = options;
  const server = serve({ fetch: app.fetch, hostname, port }) as Server;
  await once(server, "listening");
  engine.watch();
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      engine.stop();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function appOf(engine: EngineView, { chains }: IndexerServerOptions): Hono {
  const metrics = sourceMetrics(chains.map(({ source }) => source));
  return new Hono()
    .get("/health", (c) =>
      engine.hasStarted && engine.silentForMs >= FROZEN_MS
        ? c.text(silence(engine), 503)
        : c.text(""),
    )
    .get("/ready", async (c) => {
      const page = await engine.page("/ready");
      return page?.status === 200 ? c.text("") : c.text(page?.body ?? silence(engine), 503);
    })
    .get("/status", async (c) => {
      const [ready, status] = await Promise.all([engine.page("/ready"), engine.page("/status")]);
      const blocks = status?.status === 200 ? (JSON.parse(status.body) as EngineBlocks) : {};
      return c.json({
        engine: {
          answers: status !== null,
          isReady: ready === null ? null : ready.status === 200,
          ...(status === null ? { problem: silence(engine) } : {}),
        },
        chains: chains.map(({ name, source }) => ({
          ...{ name, chainId: source.chainId, block: blocks[name]?.block ?? null },
          ...source.status,
        })),
      });
    })
    .get("/metrics", async (c) => {
      const page = await engine.page("/metrics");
      const answers = `# HELP escrow_indexer_engine_answers 1 while the engine answers\n# TYPE escrow_indexer_engine_answers gauge\nescrow_indexer_engine_answers ${page === null ? 0 : 1}\n`;
      const own = `${await metrics.metrics()}${answers}`;
      return c.text(page?.status === 200 ? `${own}${page.body}\n` : own, 200, {
        "content-type": metrics.contentType,
      });
    });
}

function silence(engine: EngineView): string {
  const seconds = Math.round(engine.silentForMs / 1000);
  return engine.hasStarted
    ? `the engine has not answered for ${seconds} s`
    : `the engine has been starting for ${seconds} s`;
}
