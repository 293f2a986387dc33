import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { WitnessMetrics } from "./witness-metrics.ts";
import type { ChainWitnessStatus } from "./witness-status.ts";

export type WitnessServer = { port: number; close(): Promise<void> };

/**
 * Serves `/health` (the process lives), `/ready` (no chain is held, and none is without an answer),
 * `/status` and `/metrics` (Prometheus): all from memory, whatever database and chains do.
 */
export async function serveWitness(
  { hostname, port }: { hostname: string; port: number },
  statuses: () => ChainWitnessStatus[],
): Promise<WitnessServer> {
  const metrics = new WitnessMetrics();
  const app = new Hono()
    .get("/health", (c) => c.text(""))
    .get("/ready", (c) => {
      const reasons = statuses().flatMap(({ chainId, heldReason, problem }) => {
        const reason = heldReason ?? problem;
        return reason === null ? [] : [`chain ${chainId}: ${reason}`];
      });
      return reasons.length === 0 ? c.text("") : c.text(reasons.join("\n"), 503);
    })
    .get("/status", (c) => c.json({ chains: statuses() }))
    .get("/metrics", async (c) =>
      c.text(await metrics.text(statuses()), 200, { "content-type": metrics.registry.contentType }),
    );
  return await new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname, port }, (address) =>
      resolve({
        port: address.port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      }),
    );
    server.once("error", reject);
  });
}
