import { Counter, Gauge, Registry } from "prom-client";
import type { ChainSource } from "./chain-source.ts";
import type { EndpointStatus } from "./endpoint-health.ts";

const LABELS = ["chain", "endpoint"] as const;
type Label = (typeof LABELS)[number];

/** Of each endpoint, what is counted: the sources keep the counts, these show them. */
const COUNTED: [name: string, help: string, of: (endpoint: EndpointStatus) => number][] = [
  ["escrow_rpc_requests_total", "Requests, answered or not", ({ requests }) => requests],
  ["escrow_rpc_errors_total", "Requests without an answer of use", ({ failures }) => failures],
  ["escrow_rpc_lies_total", "Answers that were proven wrong", ({ lies }) => lies],
  ["escrow_rpc_seconds_total", "Time that requests took, all together", ({ seconds }) => seconds],
];

const SHOWN: [name: string, help: string, of: (endpoint: EndpointStatus) => number | null][] = [
  ["escrow_rpc_score", "0 to 1: how many of the last answers could be used", ({ score }) => score],
  [
    "escrow_rpc_usable",
    "1 while it is asked, 0 while it is left alone or of another chain",
    ({ breaker }) => (breaker === "closed" || breaker === "half-open" ? 1 : 0),
  ],
  ["escrow_rpc_head_block", "The highest block that it named as its head", ({ head }) => head],
  ["escrow_rpc_lag_blocks", "Blocks that it was behind the others", ({ lag }) => lag],
];

/** What the sources' endpoints do, in Prometheus' form. */
export function sourceMetrics(sources: readonly ChainSource[]): Registry {
  const registry = new Registry();
  const registers = [registry];
  for (const [name, help, of] of COUNTED)
    new Counter<Label>({
      ...{ name, help, labelNames: LABELS, registers },
      collect() {
        this.reset();
        for (const [labels, endpoint] of endpointsOf(sources)) this.inc(labels, of(endpoint));
      },
    });
  for (const [name, help, of] of SHOWN)
    new Gauge<Label>({
      ...{ name, help, labelNames: LABELS, registers },
      collect() {
        this.reset();
        for (const [labels, endpoint] of endpointsOf(sources)) {
          const value = of(endpoint);
          if (value !== null) this.set(labels, value);
        }
      },
    });
  new Gauge<"chain">({
    name: "escrow_rpc_unproven_headers",
    help: "Headers whose hash no known layout makes, and that every endpoint gave",
    ...{ labelNames: ["chain"], registers },
    collect() {
      for (const { chainId, status } of sources)
        this.set({ chain: chainId }, status.unprovenHeaders);
    },
  });
  return registry;
}

function endpointsOf(
  sources: readonly ChainSource[],
): [labels: Record<Label, string>, EndpointStatus][] {
  return sources.flatMap(({ chainId, status }) =>
    status.endpoints.map((endpoint): [Record<Label, string>, EndpointStatus] => [
      { chain: String(chainId), endpoint: endpoint.host },
      endpoint,
    ]),
  );
}
