import type { Hex } from "../../src/events/escrow-event.ts";
import type { ContractKind } from "./known-events.ts";

/** Everything that an audit looks for, and what each means. Their order is that of the report. */
export const FINDING_KINDS = {
  missing: "the chain has it, the event store does not",
  "too-much": "the event store has it, the chain does not",
  differing: "the event store has it, but not as the chain has it",
  undecodable: "its signature is ours, but it is not of our form",
  inconsistent: "the RPC endpoint contradicts itself",
} as const;

export type FindingKind = keyof typeof FINDING_KINDS;

/** One thing that is wrong: an event's id, or a block. */
export type Finding = { kind: FindingKind; subject: string; block: number; detail: string };

/** A signature that contracts of ours emit and no ABI of theirs names. */
export type UnknownSignature = {
  /** The first topic; `anonymous` for a log that has none. */
  topic0: Hex | "anonymous";
  emittedBy: ContractKind;
  /** Set when it is an event of ours, but of another contract or revision. */
  isOurs: string | null;
  count: number;
  first: { block: number; transaction: Hex; logIndex: number; emitter: Hex };
};

export type FindingCounts = Record<FindingKind, number>;

/** Counts every finding, and keeps the first ones of each kind: so memory has a bound. */
export class Findings {
  readonly counts: FindingCounts = {
    missing: 0,
    "too-much": 0,
    differing: 0,
    undecodable: 0,
    inconsistent: 0,
  };
  readonly #limit: number;
  readonly #kept = new Map<FindingKind, Map<string, Finding>>();
  readonly #unknown = new Map<string, UnknownSignature>();

  /** @param limit how many of each kind are kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  get unknown(): UnknownSignature[] {
    return [...this.#unknown.values()];
  }

  add(finding: Finding): void {
    const kept = this.#kept.get(finding.kind) ?? new Map<string, Finding>();
    this.#kept.set(finding.kind, kept);
    const key = `${finding.subject} ${finding.kind === "inconsistent" ? finding.detail : ""}`;
    if (kept.has(key)) return;
    this.counts[finding.kind] += 1;
    if (kept.size < this.#limit) kept.set(key, finding);
  }

  /** What was found elsewhere, of which only the first ones came along. */
  countOnly(counts: Partial<FindingCounts>): void {
    for (const [kind, count] of Object.entries(counts)) this.counts[kind as FindingKind] += count;
  }

  addUnknown(signature: UnknownSignature): void {
    const key = `${signature.topic0} ${signature.emittedBy}`;
    const known = this.#unknown.get(key);
    if (known === undefined) this.#unknown.set(key, signature);
    else this.#unknown.set(key, { ...known, count: known.count + signature.count });
  }

  /** A row that was taken for too much turned out to be an event that says something wrong. */
  isDifferingInstead(id: string): void {
    if (this.#kept.get("too-much")?.delete(`${id} `)) this.counts["too-much"] -= 1;
  }

  list(): Finding[] {
    const kinds = Object.keys(FINDING_KINDS) as FindingKind[];
    return kinds.flatMap((kind) => [...(this.#kept.get(kind)?.values() ?? [])]);
  }
}
