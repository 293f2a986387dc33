import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { LineFinality } from "../source/line-finality.ts";
import type { PublicationStatus } from "./relay-status.ts";

/** The relay's own metrics, in Prometheus' form at `/metrics`. */
export class RelayMetrics {
  readonly registry = new Registry();
  readonly #captured = new Counter({
    name: "relay_captured_total",
    help: "Events taken from the outbox into the journal",
    labelNames: ["publication"],
    registers: [this.registry],
  });
  readonly #published = new Counter({
    name: "relay_published_total",
    help: "Messages that Pub/Sub accepted",
    labelNames: ["publication"],
    registers: [this.registry],
  });
  readonly #failures = new Counter({
    name: "relay_publish_failures_total",
    help: "Publish requests that failed, by gRPC code",
    labelNames: ["publication", "code"],
    registers: [this.registry],
  });
  readonly #duration = new Histogram({
    name: "relay_publish_seconds",
    help: "Time from a publish request to its answer",
    labelNames: ["publication"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });
  readonly #backlog = new Gauge({
    name: "relay_backlog_messages",
    help: "Messages in the journal that are not known to be published",
    labelNames: ["publication"],
    registers: [this.registry],
  });
  readonly #halted = new Gauge({
    name: "relay_publication_halted",
    help: "1 while a publication is halted and needs operator action",
    labelNames: ["publication"],
    registers: [this.registry],
  });

  readonly #doubted = new Gauge({
    name: "relay_doubted_keys",
    help: "Keys that wait until the receipts show what became of their last request",
    labelNames: ["publication"],
    registers: [this.registry],
  });
  readonly #resolved = new Counter({
    name: "relay_doubts_resolved_total",
    help: "Doubts resolved from the receipts, by what they showed",
    labelNames: ["publication", "outcome"],
    registers: [this.registry],
  });
  readonly #unconfirmed = new Gauge({
    name: "relay_unconfirmed_events",
    help: "Announced events that the indexer no longer has, without evidence that the chain dropped them",
    labelNames: ["publication"],
    registers: [this.registry],
  });
  readonly #retracted = new Counter({
    name: "relay_retracted_total",
    help: "Events retracted because the chain replaced their block, or they never were on it",
    labelNames: ["publication"],
    registers: [this.registry],
  });
  readonly #journalKnown = new Gauge({
    name: "relay_journal_known",
    help: "1 when the journal is known to be as new as the topic; 0 while it is compared or read back",
    labelNames: ["publication"],
    registers: [this.registry],
  });
  readonly #finalThrough = new Gauge({
    name: "relay_final_block",
    help: "Height through which the outbox calls a line final",
    labelNames: ["line"],
    registers: [this.registry],
  });
  readonly #verifiedThrough = new Gauge({
    name: "relay_verified_block",
    help: "Height through which a line's final rows are verified; absent where that is not waited for",
    labelNames: ["line"],
    registers: [this.registry],
  });
  readonly #held = new Gauge({
    name: "relay_final_held",
    help: "1 while a final row of a line is held until it is verified",
    labelNames: ["line"],
    registers: [this.registry],
  });
  readonly #feedOffset = new Gauge({
    name: "relay_feed_offset",
    help: "Last offset given in the feed",
    labelNames: ["publication"],
    registers: [this.registry],
  });
  readonly #feedNumberedTo = new Gauge({
    name: "relay_feed_numbered_to",
    help: "Offset through which the feed can be read; less than the last one while messages of before the feed get theirs",
    labelNames: ["publication"],
    registers: [this.registry],
  });
  readonly #leases = new Gauge({
    name: "relay_leases",
    help: "Leases that this instance holds, leadership included",
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  captured(publication: string, events: number): void {
    this.#captured.inc({ publication }, events);
  }

  sent(publication: string, messages: number, durationMs: number): void {
    this.#published.inc({ publication }, messages);
    this.#duration.observe({ publication }, durationMs / 1000);
  }

  failed(publication: string, code: string): void {
    this.#failures.inc({ publication, code });
  }

  doubted(publication: string, keys: number): void {
    this.#doubted.set({ publication }, keys);
  }

  resolved(publication: string, outcome: { resolved: number; accepted: number }): void {
    this.#resolved.inc({ publication, outcome: "accepted" }, outcome.accepted);
    this.#resolved.inc({ publication, outcome: "absent" }, outcome.resolved - outcome.accepted);
  }

  unconfirmed(publication: string, events: number): void {
    this.#unconfirmed.set({ publication }, events);
  }

  retracted(publication: string, events: number): void {
    this.#retracted.inc({ publication }, events);
  }

  journalKnown(publication: string, isKnown: boolean): void {
    this.#journalKnown.set({ publication }, isKnown ? 1 : 0);
  }

  leases(count: number): void {
    this.#leases.set(count);
  }

  finality({ line, finalThrough, gate, verifiedThrough, heldAt }: LineFinality): void {
    this.#finalThrough.set({ line }, finalThrough);
    this.#held.set({ line }, heldAt === null ? 0 : 1);
    if (gate === "on") this.#verifiedThrough.set({ line }, verifiedThrough ?? 0);
  }

  feed(publication: string, { lastOffset, numberedTo }: PublicationStatus["feed"]): void {
    this.#feedOffset.set({ publication }, lastOffset);
    this.#feedNumberedTo.set({ publication }, numberedTo);
  }

  state(publication: string, backlog: number, isHalted: boolean): void {
    this.#backlog.set({ publication }, backlog);
    this.#halted.set({ publication }, isHalted ? 1 : 0);
  }
}
