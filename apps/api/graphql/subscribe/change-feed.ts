import type { EventLog } from "../../../../config/event-log.ts";
import type { CaptureHint } from "../../feed/capture-hint.ts";
import { HintedPause } from "../../feed/hinted-pause.ts";
import { Problem } from "../../problem.ts";
import type { ConsistentReads, Snapshot } from "../../read/consistent-reads.ts";
import type { ParentKey } from "../../read/keys-sql.ts";
import type { ChainProgress } from "../../read/progress.ts";
import { rowsByKey } from "../../read/rows-by-key.ts";
import { ESCROW, type EscrowRow, EVENT, type EventRow } from "../../read/views.ts";
import { ChainWindow } from "./chain-window.ts";
import { ChangeQueue } from "./change-queue.ts";

/** What changed between two looks. */
export type Change = { events: EventRow[]; escrows: EscrowRow[]; chains: ChainProgress[] };

export type ChangeFeedOptions = {
  reads: ConsistentReads;
  log: EventLog;
  hint: CaptureHint;
  /** Between two looks, in milliseconds. */
  pollMs: number;
  maxSubscribers: number;
};

/**
 * Looks what changed, for all subscribers together, for as long as there are any:
 *
 *   idle ──first subscriber──► looking, every pollMs ──last one gone──► idle
 *
 * The first look only learns what there is. It is no journal: who was away has missed what happened.
 */
export class ChangeFeed {
  readonly #options: ChangeFeedOptions;
  readonly #subscribers = new Map<unknown, (change: Change) => void>();
  #stop: AbortController | null = null;

  constructor(options: ChangeFeedOptions) {
    this.#options = options;
  }

  /**
   * @param pick what of a change the subscriber gets
   * @throws Problem ES-BUSY when there are as many as may be
   */
  subscribe<T>(pick: (change: Change) => T[]): ChangeQueue<T> {
    if (this.#subscribers.size >= this.#options.maxSubscribers)
      throw new Problem("ES-BUSY", "There are as many subscriptions already as may be.", {
        retryAfterSeconds: 10,
      });
    const queue = new ChangeQueue<T>(() => {
      this.#subscribers.delete(queue);
      if (this.#subscribers.size > 0) return;
      this.#stop?.abort();
      this.#stop = null;
    });
    this.#subscribers.set(queue, (change) => {
      for (const each of pick(change)) queue.push(each);
    });
    if (this.#stop === null) {
      this.#stop = new AbortController();
      void this.#lookUntil(this.#stop.signal);
    }
    return queue;
  }

  async #lookUntil(signal: AbortSignal): Promise<void> {
    const { reads, log, hint, pollMs } = this.#options;
    const pause = new HintedPause(hint, pollMs);
    const windows = new Map<number, ChainWindow>();
    let before: string | null = null;
    while (!signal.aborted) {
      let found = false;
      try {
        const asker = { client: "subscriptions", signal };
        const { answer } = await reads.run(asker, async (snapshot) => {
          const now = JSON.stringify(snapshot.progress.chains);
          return now === before ? null : { now, change: await changeIn(snapshot, windows) };
        });
        if (answer !== null) {
          if (before !== null) for (const offer of this.#subscribers.values()) offer(answer.change);
          before = answer.now;
          found = true;
        }
      } catch (error) {
        // What is away for a while is looked at again; each request says so by itself.
        if (!signal.aborted && !(error instanceof Problem))
          log.warn(
            { event: "api.subscriptions-look-failed", reason: String(error) },
            `Subscriptions could not look for changes: ${String(error)}`,
          );
      }
      await pause.wait(found, signal);
    }
    pause.close();
  }
}

async function changeIn(
  { db, progress }: Snapshot,
  windows: Map<number, ChainWindow>,
): Promise<Change> {
  const events: ParentKey[] = [];
  const escrows: ParentKey[] = [];
  for (const chain of progress.chains) {
    const window = windows.get(chain.chainId) ?? new ChainWindow(chain.chainId);
    windows.set(chain.chainId, window);
    const found = await window.look(db, chain);
    events.push(...found.added.map((id): ParentKey => [chain.chainId, id]));
    escrows.push(...[...found.escrows].map((address): ParentKey => [chain.chainId, address]));
  }
  const all = { columns: [...EVENT.columns.keys()], view: EVENT, by: "id" };
  const states = { columns: [...ESCROW.columns.keys()], view: ESCROW, by: "address" };
  return {
    chains: progress.chains,
    events: events.length === 0 ? [] : present(await rowsByKey<EventRow>(db, all, events)),
    escrows: escrows.length === 0 ? [] : present(await rowsByKey<EscrowRow>(db, states, escrows)),
  };
}

function present<T>(rows: (T | null)[]): T[] {
  return rows.filter((row) => row !== null);
}
