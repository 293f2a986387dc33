import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "../backoff.ts";
import type { FinalityGuard } from "../capture/finality-guard.ts";
import type { OutboxViews } from "../capture/outbox-views.ts";
import type { Publication } from "../journal/publication.ts";
import type { Lease, LeaseKeeper } from "../leases/lease-keeper.ts";
import type { RelayMetrics } from "../serve/metrics.ts";
import { Signal } from "../signal.ts";
import type { BlockEvidence } from "./block-evidence.ts";
import { readUnconfirmed, retract, type UnconfirmedEvent } from "./reconcile.ts";

export type ReconcileLoopOptions = { lookIntervalMs: number; backoff: Backoff };

const EVENTS_PER_LOOK = 1_000;
const IDLE_MS = 5_000;

/**
 * Retracts what the chain dropped, for one publication that this instance is the leader of.
 *
 * An announced event:
 *
 *   confirmed ──the outbox lost it──► unconfirmed ──the outbox has it again──► confirmed
 *                                          └──the chain has another block there──► retracted
 *
 * The engine rolls back and indexes again after a crash, a reorg of another chain, or a swap of
 * deployments, too: so a missing row alone proves nothing, and only the chain's own word does. On a
 * final publication there is nothing to retract: a final block that was replaced halts it.
 */
export class ReconcileLoop {
  readonly #db: Kysely<unknown>;
  readonly #publication: Publication;
  readonly #leases: LeaseKeeper;
  readonly #evidence: BlockEvidence;
  readonly #guard: FinalityGuard;
  readonly #views: OutboxViews;
  readonly #onRetracted: () => void;
  readonly #log: Logger;
  readonly #metrics: RelayMetrics;
  readonly #options: ReconcileLoopOptions;
  readonly #wake = new Signal();
  #isNeeded = true;
  #stopping = false;

  constructor(
    db: Kysely<unknown>,
    publication: Publication,
    leases: LeaseKeeper,
    evidence: BlockEvidence,
    guard: FinalityGuard,
    views: OutboxViews,
    onRetracted: () => void,
    log: Logger,
    metrics: RelayMetrics,
    options: ReconcileLoopOptions,
  ) {
    this.#db = db;
    this.#publication = publication;
    this.#leases = leases;
    this.#evidence = evidence;
    this.#guard = guard;
    this.#views = views;
    this.#onRetracted = onRetracted;
    this.#log = log.child({ publication: publication.topic });
    this.#metrics = metrics;
    this.#options = options;
  }

  /** Says that a capture found events unconfirmed. */
  wake(): void {
    this.#isNeeded = true;
    this.#wake.set();
  }

  stop(): void {
    this.#stopping = true;
    this.#wake.set();
  }

  /** Runs until `stop`. Whatever does not answer is asked again. */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.#stopping) {
      const leader = this.#leases.leader(this.#publication);
      if (leader === null || this.#publication.haltedReason !== null) {
        await this.#wake.wait(IDLE_MS);
        continue;
      }
      try {
        if (this.#publication.finality === "finalized") await this.#guard.isFirm(this.#publication);
        const mayLook = !this.#views.areMissing;
        if (this.#isNeeded && mayLook) this.#isNeeded = (await this.#look(leader)) > 0;
        failures = 0;
        const isSoon = this.#isNeeded && mayLook;
        await this.#wake.wait(isSoon ? this.#options.lookIntervalMs : IDLE_MS);
      } catch (error) {
        if (this.#views.learnFrom(error)) continue;
        failures += 1;
        this.#log.error({ err: error }, "unconfirmed events could not be checked; trying again");
        await this.#wake.wait(backoffMs(this.#options.backoff, failures));
      }
    }
  }

  /** Looks once; the number of events that stay unconfirmed. */
  async #look(leader: Lease): Promise<number> {
    const events = await readUnconfirmed(this.#db, this.#publication, EVENTS_PER_LOOK);
    const replaced = await this.#whoseBlockIsReplaced(events);
    const { topic, finality } = this.#publication;
    const [first] = replaced;
    let written = 0;
    if (first && finality === "finalized") await this.#guard.halt(this.#publication, first);
    else if (first) {
      const { instance } = this.#leases;
      written = await retract(this.#db, this.#publication, instance, leader, replaced);
    }
    if (written > 0) {
      this.#log.info({ written }, "events retracted: the chain replaced their blocks");
      this.#metrics.retracted(topic, written);
      this.#onRetracted();
    }
    this.#metrics.unconfirmed(topic, events.length - written);
    return events.length;
  }

  async #whoseBlockIsReplaced(events: UnconfirmedEvent[]): Promise<UnconfirmedEvent[]> {
    const blocks = new Map(events.map((event) => [blockOf(event), event]));
    const replaced = new Set<string>();
    for (const [block, { chainId, blockNumber, blockHash }] of blocks)
      if (await this.#evidence.isReplaced(chainId, blockNumber, blockHash)) replaced.add(block);
    return events.filter((event) => replaced.has(blockOf(event)));
  }
}

function blockOf({ chainId, blockHash }: UnconfirmedEvent): string {
  return `${chainId} ${blockHash}`;
}
