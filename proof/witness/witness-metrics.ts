import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { ChainWitnessStatus } from "./witness-status.ts";

type Labels = "chain" | "endpoint";

/** What a gauge shows of a chain; null where there is nothing to show. */
const OF_CHAIN: Record<
  string,
  [help: string, read: (status: ChainWitnessStatus) => number | null]
> = {
  witness_at_work: [
    "1 while this instance has the chain's lease",
    ({ isAtWork }) => Number(isAtWork),
  ],
  witness_head_block: ["Newest block of the chain", ({ head }) => head],
  witness_final_block: ["Last block that the engine calls final", (each) => each.engineFinal],
  witness_finalized_block: [
    "Last block that the chain calls final, where its nodes know the tag",
    ({ chainFinalized }) => chainFinalized,
  ],
  witness_proven_block: ["Last block that is proven", ({ provenThrough }) => provenThrough],
  witness_verified_block: [
    "Last block through which the event store is verified",
    ({ verifiedThrough }) => verifiedThrough,
  ],
  witness_history_verified_block: [
    "The same in history that was published before there was a witness, while it is not all proven",
    ({ history }) => history?.verified ?? null,
  ],
  witness_findings: [
    "Differences between chain and event store that are not healed",
    ({ findings }) => findings.length,
  ],
  witness_held: [
    "1 while the final publication is held and needs operator action",
    ({ heldReason }) => Number(heldReason !== null),
  ],
  witness_named_by_endpoints: [
    "Endpoints that named the last block that was proven",
    ({ namedBy }) => namedBy?.hosts.length ?? null,
  ],
  witness_named_by_independent: [
    "Providers among them, as far as their names tell",
    ({ namedBy }) => namedBy?.independent ?? null,
  ],
  witness_blocks_per_second: ["Blocks proven in a second", (each) => each.blocksPerSecond],
};

/** The witness's metrics, in Prometheus' form at `/metrics`, made from its status when asked for. */
export class WitnessMetrics {
  readonly registry = new Registry();
  readonly #ofChain = Object.entries(OF_CHAIN).map(([name, [help, read]]) => ({
    gauge: this.#gauge(name, help, ["chain"]),
    read,
  }));
  readonly #score = this.#gauge(
    "witness_endpoint_score",
    "Share of an endpoint's last answers that could be used",
    ["chain", "endpoint"],
  );
  readonly #lies = this.#gauge(
    "witness_endpoint_lies",
    "Answers of an endpoint that were proven wrong",
    ["chain", "endpoint"],
  );

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  async text(statuses: readonly ChainWitnessStatus[]): Promise<string> {
    for (const status of statuses) {
      const chain = String(status.chainId);
      for (const { gauge, read } of this.#ofChain) {
        const value = read(status);
        if (value === null) gauge.remove({ chain });
        else gauge.set({ chain }, value);
      }
      for (const { host, score, lies } of status.source.endpoints) {
        this.#score.set({ chain, endpoint: host }, score);
        this.#lies.set({ chain, endpoint: host }, lies);
      }
    }
    return await this.registry.metrics();
  }

  #gauge(name: string, help: string, labelNames: Labels[]): Gauge<Labels> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
