import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import type { Logger } from "pino";
import type { Chain } from "../../config/chain-deployment.ts";
import type { FinalRules } from "../../config/final-rules.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { RpcProblem } from "../../source/rpc-problem.ts";
import { FollowedContracts } from "../audit/followed-contracts.ts";
import { ChainTips } from "./chain-tips.ts";
import { findingLog } from "./finding-log.ts";
import { FindingTable } from "./finding-table.ts";
import { knownChildren } from "./known-children.ts";
import { type LiveProgress, readLiveProgress } from "./live-progress.ts";
import { independentHosts } from "./name-block.ts";
import { OtherBranch, Unprovable } from "./proven-headers.ts";
import { ProvingLane } from "./proving-lane.ts";
import { scopeOf } from "./scope-of.ts";
import { type ComparisonSettings, StoreComparison } from "./store-comparison.ts";
import { WitnessLease } from "./witness-lease.ts";
import type { LaneName, Piece, ScopeState } from "./witness-records.ts";
import type { ChainWitnessStatus, LaneStatus } from "./witness-status.ts";
import { WitnessStore } from "./witness-store.ts";

export type ChainWitnessSettings = {
  chain: Chain;
  pool: pg.Pool;
  source: ChainSource;
  /** The same chain, asked until so many endpoints give the same logs. */
  agreeing: (endpoints: number) => ChainSource;
  rules: FinalRules;
  log: Logger;
  /** Names this process among all witnesses. */
  owner: string;
  leaseMs: number;
  /** A difference counts when it was there in so many looks in a row, that far apart. */
  looks: number;
  lookEveryMs: number;
};

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
/** So often in a row the chain has to contradict what is proven until that is said. */
const TIMES_OTHER_BRANCH = 3;
const LANES: readonly LaneName[] = ["forward", "history"];

/**
 * The witness of one chain, in one process:
 *
 *   waiting for the lease ──► loading what is proven ──► at work: prove, compare, move the gate
 *          ▲                                                │
 *          └── another witness has it, or a failure ◄───────┘
 *
 * Each turn proves one piece and compares one, of what becomes final before what was published
 * before there was a witness. Everything is in the database: whoever goes on goes on from there.
 */
export class ChainWitness {
  readonly #settings: ChainWitnessSettings;
  readonly #lease: WitnessLease;
  readonly #store: WitnessStore;
  readonly #tips: ChainTips;
  readonly #lanes: Record<LaneName, ProvingLane>;
  #loadedEpoch: number | null = null;
  #scope: ScopeState | null = null;
  #comparison: StoreComparison | null = null;
  #live: LiveProgress | null = null;
  #lastPiece: { piece: Piece; seconds: number } | null = null;
  #events: { of: string; events: Awaited<ReturnType<ProvingLane["eventsOf"]>> } | null = null;
  #failures = 0;
  #otherBranch = 0;
  #problem: string | null = null;

  constructor(settings: ChainWitnessSettings) {
    const { chain, pool, owner, leaseMs, source, agreeing, rules, log } = settings;
    this.#settings = settings;
    this.#lease = new WitnessLease(pool, chain.chainId, owner, leaseMs);
    this.#store = new WitnessStore(pool, this.#lease, chain.chainId, scopeOf(chain));
    this.#tips = new ChainTips(source, chain.pollIntervalMs, chain.rpcAgree ?? 1);
    const laneOf = (lane: LaneName): ProvingLane =>
      new ProvingLane({
        ...{ lane, chain, source, agreeing, rules },
        onUnprovable: ({ message }, instead) =>
          log.error(
            { event: "witness.unprovable", code: "ES-WITNESS-UNPROVABLE", chain: chain.chainId },
            `${message}; until that changes, what becomes final rests on ${instead}`,
          ),
      });
    this.#lanes = { forward: laneOf("forward"), history: laneOf("history") };
  }

  /** Works until `signal`. Whatever goes wrong is tried again: other chains do not wait for this one. */
  async run(signal: AbortSignal): Promise<void> {
    const { pollIntervalMs } = this.#settings.chain;
    while (!signal.aborted) {
      let waitMs = pollIntervalMs;
      try {
        if (this.#lease.epoch !== null || (await this.#lease.take())) {
          if (await this.#turn(signal)) waitMs = 0;
        } else waitMs = this.#settings.leaseMs / 3;
        this.#failures = 0;
        this.#problem = null;
      } catch (error) {
        if (signal.aborted) break;
        waitMs = this.#failed(error as Error);
      }
      await setTimeout(waitMs, undefined, { signal }).catch(() => undefined);
    }
    await this.#lease.release().catch(() => undefined);
  }

  get status(): ChainWitnessStatus {
    const { chain, source } = this.#settings;
    const scope = this.#scope;
    const isCurrent = this.#comparison?.deployment === this.#live?.deployment;
    const verified = isCurrent ? (this.#comparison?.verified ?? null) : null;
    const findings = isCurrent ? [...(this.#comparison?.findings ?? [])] : [];
    const seconds = this.#lastPiece?.seconds ?? 0;
    return {
      ...{ chainId: chain.chainId, name: chain.name, isAtWork: this.#lease.epoch !== null },
      ...{ deployment: this.#live?.deployment ?? null, head: this.#tips.head },
      ...{ engineFinal: this.#live?.final ?? null, chainFinalized: this.#tips.finalized },
      finalizedBy: this.#tips.finalizedBy,
      ...{ provenThrough: scope?.forward.through ?? null },
      ...{ verifiedThrough: verified?.forward ?? null, basis: verified?.basis ?? null },
      namedBy: this.#namedBy(),
      history: this.#historyStatus(),
      ...{ findings, heldReason: this.#heldReason() },
      blocksPerSecond: seconds > 0 ? (this.#lastPiece?.piece.headers ?? 0) / seconds : 0,
      ...{ problem: this.#problem, source: source.status },
    };
  }

  /** @returns whether there may be more to do at once */
  async #turn(signal: AbortSignal): Promise<boolean> {
    const { pool, chain } = this.#settings;
    if (this.#loadedEpoch !== this.#lease.epoch) this.#forget();
    this.#tips.lookAtHead();
    this.#live = await readLiveProgress(pool, chain.chainId);
    if (this.#live === null) return false;
    this.#scope ??= (await this.#store.readScope()) ?? (await this.#begin(this.#live));
    if (this.#scope === null) return false;
    this.#loadedEpoch = this.#lease.epoch;
    const scope = this.#scope;
    if (await this.#distrustBlooms(scope, this.#live.deployment)) return true;
    if (this.#comparison?.deployment !== this.#live.deployment)
      this.#comparison = await StoreComparison.open(
        this.#comparisonSettings(),
        this.#live.deployment,
        scope,
      );
    // Comparing needs no node: it goes on while none answers.
    for (const lane of LANES) if (await this.#compare(lane, signal)) return true;
    const final = await this.#finalBlock(this.#live);
    if (final === null) return false;
    for (const lane of LANES) {
      const limit = lane === "forward" ? final : scope.gateFrom;
      if (scope[lane].through < limit && (await this.#prove(lane, limit, signal))) return true;
    }
    return false;
  }

  async #begin({ deployment, indexed, isCatchingUp }: LiveProgress): Promise<ScopeState | null> {
    const { pool, chain, log } = this.#settings;
    const { start } = new FollowedContracts(chain);
    const published = (await this.#store.lastPublishedFinal()) ?? -1;
    const gateFrom = Math.max(start - 1, published);
    // The escrows that are known up to there are the event store's.
    if (gateFrom >= start && (isCatchingUp || indexed < gateFrom)) return null;
    const known =
      gateFrom < start ? [] : await knownChildren(pool, deployment, chain.chainId, gateFrom);
    await this.#store.beginScope(start, gateFrom, known);
    log.info(
      { event: "witness.begun", chain: chain.chainId, gateFrom },
      `chain ${chain.chainId}: proving from block ${gateFrom + 1} on${gateFrom < start ? "" : `, and what was published before beside it, from block ${start}`}`,
    );
    return await this.#store.readScope();
  }

  /** What is known of the chain's blooms survives this process. @returns whether that is news */
  async #distrustBlooms(scope: ScopeState, live: string): Promise<boolean> {
    const { chain, source, log } = this.#settings;
    if (scope.areBloomsDistrusted) source.distrustBlooms();
    if (scope.areBloomsDistrusted || source.status.bloom !== "distrusted") return false;
    const again = await this.#store.forgetBlooms(live);
    log.warn(
      { event: "witness.blooms-distrusted", chain: chain.chainId, ...again },
      `chain ${chain.chainId}: a bloom was none of its block's logs; receipts of every block are read${again === null ? "" : `, and blocks ${again.from} to ${again.to}, proven by blooms before, are proven again`}`,
    );
    this.#forget();
    return true;
  }

  /** The last block that the engine and the chain both call final; null while that is not known. */
  async #finalBlock({ final }: LiveProgress): Promise<number | null> {
    const isKnown = this.#scope?.hasFinalizedTag ?? false;
    const tag = await this.#tips.finalBlock(final, isKnown);
    if (this.#scope !== null && !isKnown && this.#tips.finalized !== null) {
      await this.#store.noteFinalizedTag();
      this.#scope.hasFinalizedTag = true;
    }
    return tag === null ? null : Math.min(final, tag);
  }

  async #prove(lane: LaneName, limit: number, signal: AbortSignal): Promise<boolean> {
    const scope = this.#scope;
    if (scope === null) return false;
    const proving = this.#lanes[lane];
    if (!proving.isLoaded) proving.load(await this.#store.readChildren(lane));
    const startedMs = performance.now();
    const proven = await proving.proveNext(this.#store, scope, limit, signal);
    const { piece, isWhole, parentHash } = proven;
    this.#lastPiece = { piece, seconds: (performance.now() - startedMs) / 1_000 };
    this.#otherBranch = 0;
    if (isWhole) {
      scope[lane] = { through: piece.to, hash: piece.lastHash };
      if (lane === "forward") scope.gateHash ??= parentHash;
    } else this.#forget();
    return true;
  }

  async #compare(lane: LaneName, signal: AbortSignal): Promise<boolean> {
    if (this.#scope === null || this.#comparison === null) return false;
    const outcome = await this.#comparison.next(lane, this.#scope, async (piece, blocks) => {
      const proving = this.#lanes[lane];
      const of = [piece.from, piece.lastHash, ...blocks].join(" ");
      if (this.#events?.of !== of) {
        if (!proving.isLoaded) proving.load(await this.#store.readChildren(lane));
        this.#events = { of, events: await proving.eventsOf(piece, blocks, signal) };
      }
      return this.#events.events;
    });
    return outcome === "moved";
  }

  #comparisonSettings(): ComparisonSettings {
    const { pool, chain, looks, lookEveryMs, log } = this.#settings;
    const { chainId } = chain;
    return {
      ...{ pool, store: this.#store, chainId, looks, lookEveryMs },
      ...{ findings: new FindingTable(pool, this.#lease, chainId), ...findingLog(log, chainId) },
    };
  }

  /** @returns how long to wait until the next try */
  #failed(error: Error): number {
    const { chain, log } = this.#settings;
    const { chainId } = chain;
    const isOfChain = [RpcProblem, Unprovable, OtherBranch].some((type) => error instanceof type);
    if (!isOfChain) this.#forget();
    this.#failures += 1;
    if (error instanceof OtherBranch) this.#otherBranch += 1;
    if (error instanceof OtherBranch && this.#otherBranch === TIMES_OTHER_BRANCH)
      log.error(
        { event: "witness.other-branch", code: "ES-WITNESS-BRANCH", chain: chainId },
        `${error.message}: the chain has replaced a block that counted as final`,
      );
    else if (this.#problem === null)
      log.warn({ event: "witness.waiting", chain: chainId, err: error }, error.message);
    this.#problem = error.message;
    return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 10));
  }

  /** Has everything read from the database again: another witness may have written meanwhile. */
  #forget(): void {
    this.#scope = null;
    this.#comparison = null;
    this.#events = null;
    for (const lane of LANES) this.#lanes[lane].unload();
  }

  #heldReason(): string | null {
    if (this.#otherBranch >= TIMES_OTHER_BRANCH) return this.#problem;
    const [first] = this.#comparison?.findings ?? [];
    if (first !== undefined) return `${first.kind} ${first.eventId} in block ${first.block}`;
    return this.#live === null ? null : this.#tips.heldReason(this.#live.final);
  }

  #namedBy(): ChainWitnessStatus["namedBy"] {
    const hosts = this.#lastPiece?.piece.namedBy;
    if (hosts === undefined || hosts.length === 0) return null;
    const endpoints = this.#settings.source.status.endpoints.length;
    return { hosts, endpoints, independent: independentHosts(hosts) };
  }

  #historyStatus(): LaneStatus | null {
    const scope = this.#scope;
    const verified = this.#comparison?.verified.history ?? null;
    if (scope === null || verified === null || verified >= scope.gateFrom) return null;
    const { startBlock: from, gateFrom: to, history } = scope;
    return { from, to, proven: history.through, verified };
  }
}
