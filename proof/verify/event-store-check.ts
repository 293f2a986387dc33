import { newestVersion } from "../../src/events/upcast.ts";
import type { Transition } from "../../src/projections/transition.ts";
import { checkEvent } from "./check-event.ts";
import { outboxProblem } from "./check-outbox.ts";
import type { StoredRow } from "./event-pages.ts";
import type { Findings } from "./findings.ts";

/** Checks the event store row by row while it is folded; takes its rows in chain order. */
export class EventStoreCheck {
  readonly #findings: Findings;
  readonly #chainIds: ReadonlySet<number>;
  readonly #last = new Map<number, StoredRow>();
  /** By how much the versions of a damaged stream are off: its later events are no finding of their own. */
  readonly #offsets = new Map<string, number>();
  /** Events whose bytes this build cannot make again: written in an older schema version. */
  unencodable = 0;

  constructor(chainIds: readonly number[], findings: Findings) {
    this.#chainIds = new Set(chainIds);
    this.#findings = findings;
  }

  /** @param transition what the row did; undefined when it could not be read or folded */
  take(row: StoredRow, transition: Transition | undefined): void {
    const chainId = Number(row.chain_id);
    if (!this.#chainIds.has(chainId))
      this.#findings.add("event-chain", row.id, `the deployment does not follow chain ${chainId}`);
    for (const { check, detail } of checkEvent(row, this.#last.get(chainId) ?? null))
      this.#findings.add(check, row.id, detail);
    this.#last.set(chainId, row);
    if (transition !== undefined) this.#checkTransition(row, transition);
  }

  #checkTransition(row: StoredRow, { event, after, anomaly }: Transition): void {
    const stream = `${event.chainId}:${event.stream}`;
    const offset = row.stream_version - after.version;
    if (offset !== (this.#offsets.get(stream) ?? 0)) {
      const detail = `it has version ${row.stream_version}, and is number ${after.version} of stream ${stream}`;
      this.#findings.add("stream-version", row.id, detail);
      this.#offsets.set(stream, offset);
    }
    if (row.anomaly !== anomaly) {
      const detail = `it is stored with ${row.anomaly ?? "none"}, the fold finds ${anomaly ?? "none"}`;
      this.#findings.add("event-anomaly", row.id, detail);
    }
    if (event.schemaVersion !== newestVersion(event.type)) this.unencodable += 1;
    else {
      const problem = outboxProblem(row, event);
      if (problem !== null) this.#findings.add("outbox-message", row.id, problem);
    }
  }
}
