import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { FeedHub } from "../feed/feed-hub.ts";
import type { DatabaseWatch } from "../read/database-watch.ts";
import type { FairQueue } from "../read/fair-queue.ts";

/** The API's own metrics, in Prometheus' form at `/metrics`. */
export class ApiMetrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: "api_requests_total",
    help: "Requests answered, by route and status",
    labelNames: ["route", "status"],
    registers: [this.registry],
  });
  readonly #duration = new Histogram({
    name: "api_request_seconds",
    help: "Time from a request to its answer",
    labelNames: ["route"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  constructor({ queue, watch, hub }: { queue: FairQueue; watch: DatabaseWatch; hub: FeedHub }) {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 });
    const { registry } = this;
    const gauge = (name: string, help: string, read: () => number): Gauge =>
      new Gauge({
        ...{ name, help, registers: [registry] },
        collect() {
          this.set(read());
        },
      });
    gauge("api_queries_running", "Reads that have a connection", () => queue.inside);
    gauge("api_queries_waiting", "Reads that wait for one", () => queue.waiting);
    gauge("api_database_away", "1 while the database does not answer", () =>
      watch.isAway ? 1 : 0,
    );
    gauge("api_streams", "Streams of the feed that are open", () => hub.size);
    gauge("api_streams_dropped", "Streams that ended because they took nothing", () => hub.dropped);
    new Gauge({
      name: "api_block",
      help: "How far each chain is, by kind: indexed, final, verified",
      labelNames: ["chain_id", "kind"],
      registers: [registry],
      collect() {
        for (const chain of watch.progress?.chains ?? [])
          for (const kind of ["indexed", "final", "verified"] as const)
            if (chain[kind] !== null)
              this.set({ chain_id: chain.chainId, kind }, chain[kind].block);
      },
    });
  }

  answered(route: string, status: number, durationMs: number): void {
    this.#requests.inc({ route, status });
    this.#duration.observe({ route }, durationMs / 1_000);
  }
}
