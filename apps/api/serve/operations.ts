import { Hono } from "hono";
import type { ApiEnv } from "../api-env.ts";
import type { DatabaseWatch } from "../read/database-watch.ts";
import type { ApiMetrics } from "./api-metrics.ts";
import { presentProgress } from "./present-progress.ts";

/** After so long without a look the memory says nothing about now. */
const STALE_MS = 5_000;

/**
 * `/health` (the process lives), `/ready` (it can answer readers), `/status` (how far each chain is)
 * and `/metrics` (Prometheus). All of it from memory: they answer whatever the database does.
 */
export function operations(watch: DatabaseWatch, metrics: ApiMetrics): Hono<ApiEnv> {
  const notReady = (): string | null => {
    if (watch.notReadyBecause !== null) return watch.notReadyBecause;
    return (watch.ageMs ?? Infinity) > STALE_MS ? "The database does not answer." : null;
  };
  return new Hono<ApiEnv>()
    .get("/health", (c) => c.text(""))
    .get("/ready", (c) => {
      const reason = notReady();
      return reason === null ? c.text("") : c.text(reason, 503);
    })
    .get("/status", (c) =>
      c.json({
        is_ready: notReady() === null,
        not_ready_because: notReady(),
        seconds_since_last_look: watch.ageMs === null ? null : Math.round(watch.ageMs) / 1_000,
        ...(watch.progress === null ? { chains: [] } : presentProgress(watch.progress)),
      }),
    )
    .get("/metrics", async (c) =>
      c.text(await metrics.registry.metrics(), 200, {
        "content-type": metrics.registry.contentType,
      }),
    );
}
