import type { ChainDeployment } from "../../config/chain-deployment.ts";
import type { FinalRule, FinalRules } from "../../config/final-rules.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import { type Child, FollowedContracts } from "../audit/followed-contracts.ts";
import { agreePiece } from "./agree-piece.ts";
import { BloomWatch } from "./bloom-watch.ts";
import { nameBlock } from "./name-block.ts";
import { type PieceRange, type ProvenPiece, provePiece } from "./prove-piece.ts";
import { Unprovable } from "./proven-headers.ts";
import type { Basis, LaneName, Piece, ScopeState } from "./witness-records.ts";
import type { WitnessStore } from "./witness-store.ts";

export type LaneSettings = {
  lane: LaneName;
  chain: Pick<ChainDeployment, "factories">;
  source: ChainSource;
  /** The same chain, asked until so many endpoints give the same logs. */
  agreeing: (endpoints: number) => ChainSource;
  /** What the final publication may rest on here; the next one where the one before cannot be had. */
  rules: FinalRules;
  /** Told when blocks cannot be proven and something else takes the place of the proof. */
  onUnprovable: (problem: Unprovable, instead: Basis) => void;
};

const FIRST_BLOCKS = 32;
const MOST_BLOCKS = 512;
/** A piece should take about so long: what a crash loses, and what a person waits for, is short. */
const SHORT_MS = 1_000;
const LONG_MS = 4_000;
/** So often in a row what would prove a block is missing until something else takes its place. */
const TIMES_UNPROVABLE = 3;
const TRY_PROOF_AGAIN_MS = 600_000;

/** Proves one part of a chain piece by piece, in steps that its nodes and its logs allow. */
export class ProvingLane {
  readonly #settings: LaneSettings;
  #contracts: FollowedContracts;
  #watch: BloomWatch;
  #isLoaded = false;
  #saved = 0;
  #blocks = FIRST_BLOCKS;
  #unprovable = 0;
  #withoutProofUntilMs = -Infinity;

  constructor(settings: LaneSettings) {
    this.#settings = settings;
    this.#contracts = new FollowedContracts(settings.chain);
    this.#watch = new BloomWatch(this.#contracts);
  }

  /** False before `load`, and after a failure: it may know escrows of blocks that are not proven. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** @param children escrows that are known, in the order in which they were announced */
  load(children: readonly Child[]): void {
    this.#contracts = new FollowedContracts(this.#settings.chain);
    for (const child of children) this.#contracts.announce(child);
    this.#watch = new BloomWatch(this.#contracts);
    this.#saved = this.#contracts.children.length;
    this.#isLoaded = true;
  }

  /** Has it loaded again before it is used. */
  unload(): void {
    this.#isLoaded = false;
  }

  /**
   * Proves the next blocks behind those that are, and writes them down.
   *
   * @returns what was proven; `isWhole` is false when history announced an escrow that was not known
   * @throws Unprovable, OtherBranch, RpcProblem or LostLease, and is not loaded any more
   */
  async proveNext(
    store: WitnessStore,
    scope: ScopeState,
    limit: number,
    signal: AbortSignal,
  ): Promise<ProvenPiece & { isWhole: boolean }> {
    const { lane } = this.#settings;
    const { through, hash } = scope[lane];
    const from = through + 1;
    const to = Math.min(limit, through + this.#blocks);
    const startedMs = performance.now();
    this.#isLoaded = false;
    // The forward lane has proven which block history ends with.
    const lastHash = lane === "history" && to === scope.gateFrom ? scope.gateHash : null;
    const proven = await this.#prove({ from, to, parentHash: hash, signal }, lastHash);
    this.#adapt(performance.now() - startedMs, to - through);
    const children = this.#contracts.children.slice(this.#saved);
    const gateHash = lane === "forward" && scope.gateHash === null ? proven.parentHash : null;
    const isWhole = await store.addPiece(lane, proven.piece, children, gateHash);
    this.#saved += children.length;
    this.#isLoaded = true;
    return { ...proven, isWhole };
  }

  /**
   * The events of a piece that was proven before, proven once more.
   *
   * @param alsoReceiptsOf blocks of which the event store has events: nothing is said of them that
   *   rests on their blooms
   */
  async eventsOf(
    piece: Piece,
    alsoReceiptsOf: ReadonlySet<number>,
    signal: AbortSignal,
  ): Promise<EscrowEvent[]> {
    const range = this.#rangeOf({ ...piece, parentHash: null, signal, alsoReceiptsOf });
    if (piece.basis !== "proof") return (await this.#agree(range, piece.basis)).events;
    const events: EscrowEvent[] = [];
    for (let from = piece.from; from <= piece.to; ) {
      const proven = await provePiece({ ...range, from, lastHash: piece.lastHash });
      events.push(...proven.events);
      from = proven.piece.to + 1;
    }
    return events;
  }

  async #prove(
    wanted: Pick<PieceRange, "from" | "to" | "parentHash" | "signal">,
    lastHash: Hex | null,
  ): Promise<ProvenPiece> {
    const range = this.#rangeOf({ ...wanted, namedBy: [] });
    const isProofTried = performance.now() >= this.#withoutProofUntilMs;
    if (this.#settings.rules[0] === "verified" && isProofTried)
      try {
        const { hash, namedBy } =
          lastHash === null
            ? await nameBlock(range.source, wanted.to)
            : { hash: lastHash, namedBy: [] };
        const proven = await provePiece({ ...range, lastHash: hash, namedBy });
        this.#unprovable = 0;
        return proven;
      } catch (error) {
        if (!(error instanceof Unprovable)) throw error;
        this.#fallBack(error);
      }
    return await this.#agree(range, this.#instead ?? "trust");
  }

  /** The first rule that is no proof. */
  get #instead(): Basis | null {
    const rule = this.#settings.rules.find((each) => each !== "verified");
    return rule === undefined ? null : basisOf(rule);
  }

  /** @throws Unprovable while it may still pass, and for good when nothing else is allowed */
  #fallBack(problem: Unprovable): void {
    const instead = this.#instead;
    this.#unprovable += 1;
    if (instead === null || this.#unprovable < TIMES_UNPROVABLE) throw problem;
    this.#withoutProofUntilMs = performance.now() + TRY_PROOF_AGAIN_MS;
    this.#settings.onUnprovable(problem, instead);
  }

  async #agree(range: Omit<PieceRange, "lastHash">, basis: Basis): Promise<ProvenPiece> {
    const endpoints = Number(/^agree:(\d+)$/.exec(basis)?.[1] ?? 1);
    const there = this.#settings.source.status.endpoints.length;
    if (there < endpoints)
      throw new Unprovable(`${basis} needs ${endpoints} endpoints, and there are ${there}`);
    return await agreePiece({ ...range, source: this.#settings.agreeing(endpoints) }, basis);
  }

  #rangeOf<T>(wanted: T) {
    const { source } = this.#settings;
    return { source, contracts: this.#contracts, watch: this.#watch, ...wanted };
  }

  #adapt(tookMs: number, blocks: number): void {
    if (tookMs > LONG_MS) this.#blocks = Math.max(1, Math.floor(this.#blocks / 2));
    else if (tookMs < SHORT_MS && blocks >= this.#blocks)
      this.#blocks = Math.min(MOST_BLOCKS, this.#blocks * 2);
  }
}

function basisOf(rule: Exclude<FinalRule, "verified">): Basis {
  return rule === "trust" ? rule : `agree:${rule.agree}`;
}
