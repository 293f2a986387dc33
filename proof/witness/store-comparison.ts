import type pg from "pg";
import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import { DifferenceLooks } from "./difference-looks.ts";
import type { FindingTable, OpenFinding } from "./finding-table.ts";
import { readLiveProgress } from "./live-progress.ts";
import { hasSameHistory, pieceDifferences } from "./piece-differences.ts";
import { readStoredRange, type StoredRange } from "./stored-rows.ts";
import type {
  Difference,
  Finding,
  LaneName,
  Piece,
  ScopeState,
  Verified,
} from "./witness-records.ts";
import type { WitnessStore } from "./witness-store.ts";

export type ComparisonSettings = {
  pool: pg.Pool;
  store: WitnessStore;
  findings: FindingTable;
  chainId: number;
  /** In how many looks in a row a difference has to be there until it counts, and between them. */
  looks: number;
  lookEveryMs: number;
  /** Called with each difference that counts, once. */
  onFinding: (finding: Difference, deployment: string) => void;
  /** Called when none is left. */
  onHealed: (deployment: string) => void;
};

/** What came of it: further, nothing to compare yet, or something differs. */
type Outcome = "moved" | "waiting" | "differs";

/** Rows too much are looked at up to here: memory has a bound. */
const MOST_TOO_MUCH = 1_000;
const LOCK_TIMEOUT_MS = 1_000;
const STATEMENT_TIMEOUT_MS = 60_000;

/**
 * Compares the event store of one deployment with what is proven, piece by piece, and moves
 * `witness.verified` behind every piece that is the same:
 *
 *   same ──► verified to the end of the piece ──► next piece
 *   differs ──in several looks──► finding; verified right before it ──same again──► healed, on
 */
export class StoreComparison {
  readonly deployment: string;
  readonly #settings: ComparisonSettings;
  readonly #looks: Record<LaneName, DifferenceLooks>;
  readonly #nextLookMs = { forward: -Infinity, history: -Infinity };
  #verified: Verified;
  #open: OpenFinding[];

  private constructor(
    settings: ComparisonSettings,
    deployment: string,
    verified: Verified,
    open: OpenFinding[],
  ) {
    this.#settings = settings;
    this.deployment = deployment;
    this.#verified = verified;
    this.#open = open;
    const { looks } = settings;
    this.#looks = { forward: new DifferenceLooks(looks), history: new DifferenceLooks(looks) };
  }

  /** Begins with a deployment where it was left; a new one behind what was published before. */
  static async open(
    settings: ComparisonSettings,
    deployment: string,
    { startBlock, gateFrom, gateHash }: ScopeState,
  ): Promise<StoreComparison> {
    const { store, findings } = settings;
    const before = await store.readVerified(deployment);
    // What was published before there was a witness is not held back any more.
    const basis = gateFrom < startBlock ? "proof" : "trust";
    const verified: Verified = {
      ...(before ?? { forward: gateFrom, history: startBlock - 1, hash: gateHash, basis }),
      gateFrom,
    };
    if (before?.gateFrom !== gateFrom) await store.writeVerified(deployment, verified);
    return new StoreComparison(settings, deployment, verified, await findings.open(deployment));
  }

  get verified(): Readonly<Verified> {
    return this.#verified;
  }

  /** Differences that count and are not healed. */
  get findings(): readonly OpenFinding[] {
    return this.#open;
  }

  /**
   * Compares the next piece of a lane.
   *
   * @param eventsOf proves a piece once more, where the hashes differ, and by their receipts the
   *   blocks that the event store speaks of
   * @throws RpcProblem when that fails; whatever the database throws
   */
  async next(
    lane: LaneName,
    scope: ScopeState,
    eventsOf: (piece: Piece, blocks: ReadonlySet<number>) => Promise<readonly EscrowEvent[]>,
  ): Promise<Outcome> {
    const from = this.#verified[lane] + 1;
    if (from > scope[lane].through || performance.now() < this.#nextLookMs[lane]) return "waiting";
    const piece = await this.#settings.store.pieceOf(from);
    if (piece === null) return "waiting";
    const stored = await this.#read(piece, scope);
    if (stored === null) return "waiting";
    if (piece.basis === "trust" || hasSameHistory(stored, piece.history)) {
      await this.#same(lane, piece, scope, stored);
      return "moved";
    }
    const blocks = new Set(stored.rows.map((row) => Number(row.block_number)));
    const differences = pieceDifferences(await eventsOf(piece, blocks), stored);
    // It is the bloom that lied: the piece is proven again.
    if (differences.length === 0 && piece.bloomBlocks > 0) return "waiting";
    if (differences.length === 0)
      throw new Error(
        `blocks ${piece.from} to ${piece.to}: the hashes differ, and nothing else does`,
      );
    await this.#differs(lane, piece, scope, differences, stored);
    return "differs";
  }

  async #same(lane: LaneName, piece: Piece, scope: ScopeState, stored: StoredRange): Promise<void> {
    await this.#move(lane, piece, piece.to, piece.lastHash);
    this.#looks[lane].forget();
    if (this.#open.length === 0) return;
    const { findings, onHealed } = this.#settings;
    const blocks = comparedBlocks(piece, scope);
    await findings.replace(this.deployment, blocks, [], idsOf(stored));
    this.#open = await findings.open(this.deployment);
    if (this.#open.length === 0) onHealed(this.deployment);
  }

  async #differs(
    lane: LaneName,
    piece: Piece,
    scope: ScopeState,
    differences: readonly Difference[],
    stored: StoredRange,
  ): Promise<void> {
    const { findings, lookEveryMs, onFinding } = this.#settings;
    this.#nextLookMs[lane] = performance.now() + lookEveryMs;
    const blocks = comparedBlocks(piece, scope);
    // A row may say that it is of a block elsewhere, of which nothing was proven here: it is this
    // range that is wrong.
    // While history is not proven, escrows of it may be unknown, whose logs seem to be nobody's.
    const isSure = lane === "history" || scope.history.through >= scope.gateFrom;
    const placed = differences.map((each): Finding => {
      const block = Math.min(blocks.to, Math.max(blocks.from, each.block));
      return { ...each, block, basis: isSure && block === each.block ? piece.basis : "trust" };
    });
    const counting = this.#looks[lane].saw(placed);
    if (counting.length === 0) return;
    const added = await findings.replace(this.deployment, blocks, counting, idsOf(stored));
    const first = Math.min(...placed.map(({ block }) => block));
    if (first - 1 > this.#verified[lane]) await this.#move(lane, piece, first - 1, null);
    this.#open = await findings.open(this.deployment);
    for (const finding of added) onFinding(finding, this.deployment);
  }

  async #move(lane: LaneName, { basis }: Piece, through: number, hash: Hex | null): Promise<void> {
    const ofForward = lane === "forward" ? { hash, basis } : {};
    const verified: Verified = { ...this.#verified, [lane]: through, ...ofForward };
    await this.#settings.store.writeVerified(this.deployment, verified);
    this.#verified = verified;
  }

  /** @returns null while what is there proves nothing: catching up, not indexed yet, not live */
  async #read(piece: Piece, { startBlock }: ScopeState): Promise<StoredRange | null> {
    const { pool, chainId } = this.#settings;
    const client = await pool.connect();
    try {
      await client.query("begin isolation level repeatable read read only");
      await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await client.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
      const live = await readLiveProgress(client, chainId);
      if (!this.#isComparable(live, piece)) return null;
      const isFirst = piece.from === startBlock;
      const place = { deployment: this.deployment, chainId, piece, isFirst };
      const stored = await readStoredRange(client, place, piece.history.events + MOST_TOO_MUCH);
      // The catalogs that say which deployment is live are read as they are now, whatever the snapshot.
      const after = await readLiveProgress(client, chainId);
      return this.#isComparable(after, piece) ? stored : null;
    } finally {
      await client.query("rollback").catch(() => undefined);
      client.release();
    }
  }

  #isComparable(live: Awaited<ReturnType<typeof readLiveProgress>>, { to }: Piece): boolean {
    return live?.deployment === this.deployment && !live.isCatchingUp && live.indexed >= to;
  }
}

function idsOf({ rows }: StoredRange): string[] {
  return rows.map(({ id }) => id);
}

/** Before the first piece of all nothing may be. */
function comparedBlocks({ from, to }: Piece, { startBlock }: ScopeState) {
  return { from: from === startBlock ? 0 : from, to };
}
