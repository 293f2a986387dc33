import { serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { RelayMetrics } from "./metrics.ts";
import type { PublicationStatus } from "./relay-status.ts";

export type RelayServer = { port: number; close(): Promise<void> };

/** What the server says about the relay. */
export type RelayView = {
  /** Null while the process gets on, or tries to; otherwise what it hangs in: start it again. */
  hangsBecause(): string | null;
  /** Null when ready to publish; otherwise what it waits for. */
  notReadyBecause(): string | null;
  publications(): Promise<PublicationStatus[]>;
};

/**
 * Serves `/health` (the process lives and does not hang), `/ready` (it is at work), `/status` (how far each
 * publication is) and `/metrics` (Prometheus).
 */
export async function startRelayServer(
  { hostname, port }: { hostname: string; port: number },
  view: RelayView,
  metrics: RelayMetrics,
): Promise<RelayServer> {
  const status = async (): Promise<PublicationStatus[]> => {
    const publications = await view.publications();
    for (const each of publications) {
      metrics.state(each.topic, each.backlog, each.haltedReason !== null);
      metrics.feed(each.topic, each.feed);
      for (const line of each.lines ?? []) metrics.finality(line);
    }
    return publications;
  };
  const app = new Hono()
    .get("/health", (c) => answer(c, view.hangsBecause()))
    .get("/ready", (c) => answer(c, view.notReadyBecause()))
    .get("/status", async (c) => c.json({ publications: await status() }))
    .get("/metrics", async (c) => {
      await status().catch(() => undefined);
      return c.text(await metrics.registry.metrics(), 200, {
        "content-type": metrics.registry.contentType,
      });
    });
  return new Promise((resolve, reject) => {
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

function answer(c: Context, problem: string | null): Response {
  return problem === null ? c.text("") : c.text(problem, 503);
}
