import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { type Backoff, backoffMs } from "../backoff.ts";
import type { FinalityGuard } from "../capture/finality-guard.ts";
import type { Publication } from "../journal/publication.ts";
import type { Lease, LeaseKeeper } from "../leases/lease-keeper.ts";
import type { RelayMetrics } from "../serve/metrics.ts";
import { Signal } from "../signal.ts";
import type { BlockEvidence } from "../source/block-evidence.ts";
import type { OutboxPresence } from "../source/outbox-presence.ts";
import type { OutboxSource } from "../source/outbox-source.ts";
import {
  readLinesToConfirm,
  readPhantoms,
  readUnconfirmed,
  retract,
  type UnconfirmedEvent,
} from "./reconcile.ts";

export type ReconcileLoopOptions = {
  db: Kysely<unknown>;
  source: OutboxSource;
  evidence: BlockEvidence;
  publication: Publication;
  leases: LeaseKeeper;
  guard: FinalityGuard;
  presence: OutboxPresence;
  onRetracted: () => void;
  log: Logger;
  metrics: RelayMetrics;
  pollIntervalMs: number;
  backoff: Backoff;
};

const EVENTS_PER_LOOK = 1_000;
const IDLE_MS = 5_000;
/** The question whether what counts as final still stands; lines are numbers. */
const FIRM = "firm";

/**
 * Retracts what the chain dropped, for one publication that this instance is the leader of.
 *
 * An announced event:
 *
 *   confirmed ──the outbox lost it──► unconfirmed ──the outbox has it again──► confirmed
 *                                          ├──the chain has another block there──► retracted
 *                                          └──it is proven to have never been──► retracted
 *
 * The engine rolls back and indexes again after a crash, a reorg of another chain, or a swap of
 * deployments, too: so a missing row alone proves nothing, and only the chain's own word does. On a
 * final publication there is nothing to retract: a final block that was replaced halts it, and while
 * it is halted the evidence is looked at again; one that the outbox lacks, though the chain has its
 * block, holds nothing up (`FinalityGuard.confirm`).
 */
export class ReconcileLoop {
  readonly #options: ReconcileLoopOptions;
  readonly #log: Logger;
  readonly #wake = new Signal();
  /** Lines whose chain is being asked; and how many unconfirmed events each had. */
  readonly #asking = new Set<string>();
  readonly #unconfirmed = new Map<string, number>();
  readonly #tasks = new Set<Promise<unknown>>();
  #isNeeded = true;
  #stopping = false;

  constructor(options: ReconcileLoopOptions) {
    this.#options = options;
    this.#log = options.log.child({ publication: options.publication.topic });
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
    const { publication, leases, guard, presence, pollIntervalMs, backoff } = this.#options;
    let failures = 0;
    while (!this.#stopping) {
      const leader = leases.leader(publication);
      if (leader === null) {
        await this.#wake.wait(IDLE_MS);
        continue;
      }
      try {
        if (publication.haltedReason !== null) {
          await guard.reexamine(publication, { instance: leases.instance, leader });
          failures = 0;
          await this.#wake.wait(IDLE_MS);
          continue;
        }
        if (publication.finality === "finalized" && !this.#asking.has(FIRM))
          this.#begin(FIRM, () => guard.isFirm(publication));
        const mayLook = !presence.isMissing;
        if (mayLook && publication.finality !== "finalized") await this.#retractPhantoms(leader);
        if (this.#isNeeded && mayLook) await this.#look();
        failures = 0;
        const isSoon = (this.#isNeeded || this.#asking.size > 0) && mayLook;
        await this.#wake.wait(isSoon ? pollIntervalMs : IDLE_MS);
      } catch (error) {
        if (!this.#failed(error)) continue;
        failures += 1;
        await this.#wake.wait(backoffMs(backoff, failures));
      }
    }
    await Promise.all(this.#tasks);
  }

  /** @returns whether it was a failure, and not only a missing outbox */
  #failed(error: unknown): boolean {
    if (this.#options.presence.learnFrom(error)) return false;
    this.#log.error(
      { event: "reconcile.failed", err: error },
      "unconfirmed events could not be checked; trying again",
    );
    return true;
  }

  /** Looks at every line; none waits for the nodes of another chain. */
  async #look(): Promise<void> {
    const { db, source, publication, metrics } = this.#options;
    this.#isNeeded = false;
    for (const line of await readLinesToConfirm(db, source, publication))
      if (!this.#asking.has(line)) this.#begin(line, () => this.#lookAt(line));
    const left = [...this.#unconfirmed.values()].reduce((sum, count) => sum + count, 0);
    metrics.unconfirmed(publication.topic, left);
  }

  /** Looks at one line, once; while there is anything unconfirmed, it is looked at again. */
  async #lookAt(line: string): Promise<void> {
    const { db, source, publication, guard, leases } = this.#options;
    const before = this.#unconfirmed.get(line) ?? 0;
    const events = await readUnconfirmed(db, source, publication, line, EVENTS_PER_LOOK);
    this.#unconfirmed.set(line, events.length);
    // Once more when none is left, for the metric.
    if (events.length + before > 0) this.#isNeeded = true;
    const replaced = await this.#whoseBlockIsReplaced(events);
    const [first] = replaced;
    const leader = leases.leader(publication);
    if (events.length === 0 || leader === null) return;
    if (publication.finality === "finalized")
      await (first
        ? guard.suspect(publication, { ...first, isCaptured: true })
        : guard.confirm(publication, line));
    else if (first) await this.#retract(leader, replaced, "the chain replaced their blocks");
  }

  #begin(what: string, work: () => Promise<unknown>): void {
    this.#asking.add(what);
    const task = work()
      .catch((error: unknown) => {
        this.#isNeeded = true;
        this.#failed(error);
      })
      .finally(() => {
        this.#asking.delete(what);
        this.#tasks.delete(task);
      });
    this.#tasks.add(task);
  }

  /** What is proven to have never been, as soon as the outbox lacks it too. */
  async #retractPhantoms(leader: Lease): Promise<void> {
    const { db, source, publication } = this.#options;
    const events = await readPhantoms(db, source, publication, EVENTS_PER_LOOK);
    if (events.length > 0) await this.#retract(leader, events, "they never were on the chain");
  }

  /** @returns how many were */
  async #retract(leader: Lease, events: UnconfirmedEvent[], why: string): Promise<number> {
    const { db, source, publication, leases, metrics, onRetracted } = this.#options;
    const { instance } = leases;
    const written = await retract(db, { source, publication, instance, leader, events });
    if (written === 0) return 0;
    this.#log.info({ event: "events.retracted", written }, `events retracted: ${why}`);
    metrics.retracted(publication.topic, written);
    onRetracted();
    return written;
  }

  async #whoseBlockIsReplaced(events: UnconfirmedEvent[]): Promise<UnconfirmedEvent[]> {
    const { evidence } = this.#options;
    const blocks = new Map(events.map((event) => [blockOf(event), event]));
    const replaced = new Set<string>();
    // All at once: evidence takes two looks at different times, and a reorg drops many blocks.
    await Promise.all(
      [...blocks].map(async ([block, { line, height, hash }]) => {
        if (await evidence.isReplaced(line, height, hash)) replaced.add(block);
      }),
    );
    return events.filter((event) => replaced.has(blockOf(event)));
  }
}

function blockOf({ line, hash }: UnconfirmedEvent): string {
  return `${line} ${hash}`;
}
