import { numberToHex } from "viem";
import type { Hex } from "../src/events/escrow-event.ts";
import { BlockDoubts } from "./block-doubts.ts";
import { BranchDoubts } from "./branch-doubts.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import { HeaderLayouts } from "./header-layouts.ts";
import { type BlockQuestion, type CheckedBlock, checkBlock, type RawBlock } from "./raw-block.ts";
import { RpcProblem } from "./rpc-problem.ts";
import { TransactionProofs } from "./transaction-proofs.ts";
import { proveTransactions } from "./transactions-root.ts";

/** Heads have to stay lower than the last one for so long before that is believed. */
const LOWER_HEAD_MS = 3_000;
/** Headers that were checked need not be checked again: logs are asked for by their hash. */
const MOST_KNOWN = 4_096;
const LAYOUT = "a header that does not make its hash";

/** Blocks of one chain: each is the one asked for, and its header makes its hash. */
export class BlockSource {
  readonly #pool: EndpointPool;
  /** By hash, without transactions. */
  readonly #known = new Map<string, CheckedBlock>();
  readonly #transactions: TransactionProofs;
  readonly #branches: BranchDoubts;
  #head: RawBlock | null = null;
  #lowerSinceMs: number | null = null;
  readonly #layouts = new HeaderLayouts();
  #unproven = 0;

  constructor(pool: EndpointPool) {
    this.#pool = pool;
    this.#transactions = new TransactionProofs(pool);
    this.#branches = new BranchDoubts(pool);
  }

  /** Headers whose hash no known layout makes, and that every endpoint gave. */
  get unproven(): number {
    return this.#unproven;
  }

  /** @throws RpcProblem when no endpoint has the block, or none gives the truth */
  async read(asked: BlockQuestion, full = false, rounds?: number): Promise<CheckedBlock> {
    const known = "hash" in asked && !full ? this.#known.get(asked.hash.toLowerCase()) : undefined;
    if (known) return known;
    const [method, which] = questionOf(asked);
    const doubts = new BlockDoubts(this.#pool, LAYOUT, (number) => this.#layouts.of(number));
    const ofTransactions = this.#transactions.doubts();
    const ofBranch = this.#branches.question();
    const checked = await this.#pool.ask(
      method,
      [which, full],
      {
        what: `of block ${"number" in asked ? asked.number : which}`,
        parse: async (answer, endpoint) => {
          const read = checkBlock(answer, asked);
          if (which === "latest") endpoint.health.sawHead(Number(read.block.number));
          if (!read.isProven) doubts.add(read.block, endpoint);
          else if (full) await this.#transactions.check(read.block, endpoint, ofTransactions);
          if ("number" in asked) ofBranch(read.block, endpoint);
          return read;
        },
      },
      rounds ?? ("hash" in asked && this.isLost(asked.hash) ? 1 : undefined),
    );
    if ("number" in asked) this.#branches.gave(checked.block);
    if ("hash" in asked) this.#branches.found(asked.hash);
    this.#layouts.saw(checked);
    if (checked.isProven) {
      doubts.blame(checked.block);
    } else this.#noteUnproven(checked.block);
    this.#remember(checked);
    return checked;
  }

  /** Whether no endpoint knew a block by its hash when all were asked. */
  isLost(hash: Hex): boolean {
    return this.#branches.isLost(hash);
  }

  /**
   * Has every endpoint look for a block of which something could not be had. When none of them knows
   * it, whoever named it by its number is not believed without another one's word for a while.
   */
  async lookFor(hash: Hex): Promise<void> {
    const answers = await Promise.allSettled(
      this.#pool.there.map((endpoint) =>
        endpoint.askOnce("eth_getBlockByHash", [hash, false], {
          ...{ what: `of block ${hash}`, isSurvey: true },
          parse: (answer) => answer ?? null,
        }),
      ),
    );
    const given = answers.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    if (given.length === 0 || given.some((answer) => answer !== null)) return;
    this.#known.delete(hash.toLowerCase());
    this.#branches.lost(hash);
  }

  /**
   * Hashes of a block's transactions, in order, proven by the root in its header; null where they
   * cannot be proven.
   *
   * @throws RpcProblem when no endpoint has the block, or none gives the truth
   */
  async transactionHashes(hash: Hex): Promise<readonly Hex[] | null> {
    const known = this.#transactions.hashesOf(hash);
    if (known !== null) return known;
    await this.read({ hash }, true);
    return this.#transactions.hashesOf(hash);
  }

  /**
   * A block by its height or tag as each endpoint has it now; who does not answer is left out.
   *
   * @param isUsable leaves out who is left alone for now: nobody has to wait for it
   */
  async ofEach(
    asked: Exclude<BlockQuestion, { hash: Hex }>,
    isUsable = false,
  ): Promise<(CheckedBlock & { host: string })[]> {
    const [method, which] = questionOf(asked);
    const answers = await Promise.allSettled(
      (isUsable ? this.#pool.inTurn() : this.#pool.there).map(async (endpoint) => {
        await this.#pool.mustBeOfChain(endpoint);
        const checked = await endpoint.askOnce(method, [which, false], {
          what: `of block ${Number.isNaN(Number(which)) ? which : Number(which)}`,
          parse: (answer) => checkBlock(answer, asked),
        });
        return { ...checked, host: endpoint.host };
      }),
    );
    return answers.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  }

  /**
   * The newest block. A head below the last one is not believed at once: behind a load balancer some
   * node always lags. Until heads were lower for some seconds, the last one is given again.
   */
  async head(full = false): Promise<RawBlock> {
    const { block } = await this.read({ tag: "latest" }, full);
    const last = this.#head;
    if (last === null || Number(block.number) >= Number(last.number)) {
      this.#lowerSinceMs = null;
      this.#head = block;
      return block;
    }
    const higher = await this.#higherHead(Number(last.number), full);
    const nowMs = this.#pool.clock.now();
    this.#lowerSinceMs = higher === null ? (this.#lowerSinceMs ?? nowMs) : null;
    if (higher !== null) this.#head = higher;
    else if (nowMs - (this.#lowerSinceMs ?? nowMs) >= LOWER_HEAD_MS) this.#head = block;
    const head = this.#head ?? block;
    const hasBodies = !full || typeof (head.transactions as unknown[])[0] !== "string";
    return hasBodies ? head : (await this.read({ hash: head.hash }, true)).block;
  }

  /** Asks whoever has been as high for a head that is. */
  async #higherHead(than: number, full: boolean): Promise<RawBlock | null> {
    for (const endpoint of this.#pool.inTurn(({ health }) => (health.head ?? 0) >= than))
      try {
        const { block, isProven } = await endpoint.askOnce(
          "eth_getBlockByNumber",
          ["latest", full],
          {
            what: "of the head",
            parse: async (answer) => {
              const read = checkBlock(answer, { tag: "latest" });
              if (full && proveTransactions(read.block) === "wrong")
                throw new RpcProblem("unproven", "its transactions do not give the root");
              return read;
            },
          },
        );
        if (isProven && Number(block.number) >= than) return block;
      } catch (error) {
        // Its health knows; the next one is asked.
        if (!(error instanceof RpcProblem)) throw error;
      }
    return null;
  }

  #noteUnproven({ number }: RawBlock): void {
    if (this.#unproven++ > 0) return;
    this.#pool.say(
      "source.unknown-header",
      `chain ${this.#pool.chainId}: no known layout makes the hash of block ${Number(number)}, and every endpoint gives that block`,
    );
  }

  #remember(checked: CheckedBlock): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.delete(this.#known.keys().next().value ?? "");
    const { transactions: _, ...header } = checked.block;
    this.#known.set(checked.block.hash.toLowerCase(), { ...checked, block: header as RawBlock });
  }
}

function questionOf(asked: BlockQuestion): [method: string, which: string] {
  if ("hash" in asked) return ["eth_getBlockByHash", asked.hash];
  return ["eth_getBlockByNumber", "tag" in asked ? asked.tag : numberToHex(asked.number)];
}
