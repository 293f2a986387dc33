import { encodeEventTopics, encodeFunctionData, type Log, numberToHex, parseEventLogs } from "viem";
import { escrowAAbi } from "../abis/escrow-a.ts";
import type { Hex } from "../src/events/escrow-event.ts";
import type { BlockSource } from "./block-source.ts";
import type { RawLog, RawLogFilter } from "./check-logs.ts";
import type { RawBlock } from "./raw-block.ts";
import { type Clock, realClock } from "./request-pace.ts";
import { RpcProblem } from "./rpc-problem.ts";
import type { ContractCall, StateSource } from "./state-source.ts";

type Change = { block: number; oldArbiter: Hex };
/** A block near the head, whose state nodes have, and through which all changes are known. */
type Anchor = { block: RawBlock; asOfMs: number };

const ARBITER = encodeFunctionData({ abi: escrowAAbi, functionName: "arbiter" });
const [ARBITER_CHANGED] = encodeEventTopics({ abi: escrowAAbi, eventName: "ArbiterChanged" });
/** As a word of ABI encoding. */
const ADDRESS = /^0x0{24}[0-9a-f]{40}$/;
/** Nodes that keep the fewest states keep some dozens of blocks. */
const ANCHOR_MS = 3_000;
const ANCHOR_ATTEMPTS = 4;
const DEEPEST_REORG = 1_000;

/**
 * Who was the arbiter of an escrow at the end of a block, also where no node has the block's state any
 * more: a change names whom it replaces. So it is the old arbiter of the first change after that block,
 * and while there was none, whoever is arbiter now.
 */
export class ArbiterSource {
  readonly #state: StateSource;
  readonly #blocks: BlockSource;
  readonly #logsOf: (filter: RawLogFilter) => Promise<RawLog[]>;
  readonly #clock: Clock;
  /** Of the blocks from `#from` through the anchor; by escrow, in the order of the chain. */
  readonly #changes = new Map<string, Change[]>();
  #from = Infinity;
  #anchor: Anchor | null = null;
  #anchoring: Promise<unknown> = Promise.resolve();
  /** Up to there states were found to be gone, so nobody is asked for them again. */
  #goneThrough = -1;

  constructor(
    state: StateSource,
    blocks: BlockSource,
    logsOf: (filter: RawLogFilter) => Promise<RawLog[]>,
    clock: Clock = realClock,
  ) {
    this.#state = state;
    this.#blocks = blocks;
    this.#logsOf = logsOf;
    this.#clock = clock;
  }

  /** Whether this is the question that can be answered in another way than by the block's state. */
  static asks({ data }: ContractCall): boolean {
    return data.toLowerCase() === ARBITER;
  }

  /**
   * What `arbiter()` answers at the end of a block that the escrow exists in, as a word.
   *
   * @throws RpcProblem `no-state` when no endpoint has the state of any block, old or new
   */
  async word(escrow: Hex, blockHash: Hex): Promise<Hex> {
    const call = { to: escrow, data: ARBITER };
    if (this.#goneThrough < 0 || (await this.#numberOf(blockHash)) > this.#goneThrough)
      try {
        return await this.#state.word(call, blockHash, ADDRESS);
      } catch (error) {
        if (!(error instanceof RpcProblem) || error.kind !== "no-state") throw error;
      }
    const number = await this.#numberOf(blockHash);
    this.#goneThrough = Math.max(this.#goneThrough, number);
    const { anchor, now } = await this.#atAnchor(call, number);
    const isNear = Number(anchor.number) - number < DEEPEST_REORG;
    if (isNear && !(await this.#isCanonical(number, blockHash)))
      throw new RpcProblem("transient", `block ${number} is another one than ${blockHash}`);
    const change = this.#changes.get(escrow.toLowerCase())?.find((each) => each.block > number);
    return change === undefined ? now : `0x${change.oldArbiter.slice(2).padStart(64, "0")}`;
  }

  /** What the escrow says now. An anchor may have grown too old for its state: then a new one is taken. */
  async #atAnchor(call: ContractCall, number: number): Promise<{ anchor: RawBlock; now: Hex }> {
    const anchor = await this.#anchorFrom(number);
    try {
      return { anchor, now: await this.#state.word(call, anchor.hash, ADDRESS) };
    } catch (error) {
      if (!(error instanceof RpcProblem) || error.kind !== "no-state") throw error;
      const newer = await this.#anchorFrom(number, anchor);
      return { anchor: newer, now: await this.#state.word(call, newer.hash, ADDRESS) };
    }
  }

  /**
   * One at a time: each goes on where the last one ended.
   *
   * @param worn an anchor that cannot be used any more
   */
  async #anchorFrom(number: number, worn?: RawBlock): Promise<RawBlock> {
    const anchored = this.#anchoring.then(() => this.#moveAnchor(number, worn));
    this.#anchoring = anchored.catch(() => undefined);
    return await anchored;
  }

  async #moveAnchor(number: number, worn?: RawBlock): Promise<RawBlock> {
    const { block, asOfMs = -Infinity } = this.#anchor ?? {};
    const isFresh = block !== worn && this.#clock.now() - asOfMs < ANCHOR_MS;
    if (block && isFresh && this.#from <= number && Number(block.number) >= number) return block;
    for (let attempt = 0; attempt < ANCHOR_ATTEMPTS; attempt++) {
      const last = this.#anchor?.block;
      if (last && !(await this.#isCanonical(Number(last.number), last.hash))) this.#forget();
      const asOfMs = this.#clock.now();
      const head = await this.#blocks.head();
      const from = Math.min(this.#from, number);
      if (this.#from > from) this.#forget();
      await this.#readChanges(
        this.#anchor === null ? from : Number(this.#anchor.block.number) + 1,
        head,
      );
      this.#from = from;
      this.#anchor = { block: head, asOfMs };
      if (await this.#isCanonical(Number(head.number), head.hash)) return head;
    }
    throw new RpcProblem("transient", "the head is replaced again and again");
  }

  async #readChanges(from: number, head: RawBlock): Promise<void> {
    if (from > Number(head.number)) return;
    const logs = await this.#logsOf({
      fromBlock: numberToHex(from),
      toBlock: head.number,
      topics: [ARBITER_CHANGED as Hex],
    });
    const changes = parseEventLogs({
      abi: escrowAAbi,
      eventName: "ArbiterChanged",
      logs: logs as unknown as Log[],
    });
    for (const { address, blockNumber, args } of changes) {
      const ofEscrow = this.#changes.get(address.toLowerCase()) ?? [];
      ofEscrow.push({
        block: Number(blockNumber),
        oldArbiter: args.oldArbiter.toLowerCase() as Hex,
      });
      this.#changes.set(address.toLowerCase(), ofEscrow);
    }
  }

  async #numberOf(hash: Hex): Promise<number> {
    return Number((await this.#blocks.read({ hash })).block.number);
  }

  async #isCanonical(number: number, hash: Hex): Promise<boolean> {
    const { block } = await this.#blocks.read({ number });
    return block.hash.toLowerCase() === hash.toLowerCase();
  }

  #forget(): void {
    this.#changes.clear();
    this.#anchor = null;
    this.#from = Infinity;
  }
}
