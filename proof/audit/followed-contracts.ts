import type { ChainDeployment } from "../../config/chain-deployment.ts";
import type { Hex } from "../../src/events/escrow-event.ts";
import type { Revision } from "../../src/events/event-catalogue.ts";
import { type ContractKind, knownTopics } from "./known-events.ts";

/** An escrow that a factory announced on the chain. */
export type Child = { address: Hex; revision: Revision; announcedAt: number };

/** What a contract of ours is: the revisions in which it is followed. */
export type Role = { kind: ContractKind; revisions: readonly Revision[] };

const REVISIONS = ["A", "B"] as const;

/**
 * The contracts that are followed on a chain: the factories that are configured and the escrows
 * that they announce, by the engine's rules (`ponder.config.ts`). All factories of a revision are
 * followed from the first of their start blocks, and an escrow from the block that announces it.
 */
export class FollowedContracts {
  readonly factories: readonly Hex[];
  readonly #revisions = new Map<Hex, Revision[]>();
  readonly #starts: Record<Revision, number>;
  readonly #children = new Map<Hex, Child>();
  readonly #inOrder: Child[] = [];

  constructor({ factories }: Pick<ChainDeployment, "factories">) {
    for (const { address, revision } of factories) {
      const key = address.toLowerCase() as Hex;
      const followed = this.#revisions.get(key) ?? [];
      this.#revisions.set(key, [...followed, ...(revision ? [revision] : REVISIONS)]);
    }
    this.factories = [...this.#revisions.keys()];
    const startOf = (revision: Revision): number =>
      Math.min(
        ...factories
          .filter((each) => (each.revision ?? revision) === revision)
          .map(({ startBlock }) => startBlock),
      );
    this.#starts = { A: startOf("A"), B: startOf("B") };
  }

  /** In the order in which they were announced. */
  get children(): readonly Child[] {
    return this.#inOrder;
  }

  /** The first block that anything is followed from. */
  get start(): number {
    return Math.min(this.#starts.A, this.#starts.B);
  }

  /** Topics of the announcements that are followed. */
  get announcements(): Hex[] {
    return knownTopics("factory", this.#followedRevisions());
  }

  /** Topics of the escrows' events. */
  get escrowTopics(): Hex[] {
    return knownTopics("escrow", this.#followedRevisions());
  }

  /** Notes an escrow; of two announcements the first counts. */
  announce(child: Child): void {
    if (this.#children.has(child.address)) return;
    this.#children.set(child.address, child);
    this.#inOrder.push(child);
  }

  /** What a contract is in a block; null when what it logs there is not followed. */
  roleOf(address: Hex, block: number): Role | null {
    const revisions = this.#revisions.get(address)?.filter((each) => block >= this.#starts[each]);
    if (revisions !== undefined)
      return revisions.length === 0 ? null : { kind: "factory", revisions };
    const child = this.#children.get(address);
    if (child === undefined || block < child.announcedAt) return null;
    return { kind: "escrow", revisions: [child.revision] };
  }

  #followedRevisions(): Set<Revision> {
    return new Set([...this.#revisions.values()].flat());
  }
}
