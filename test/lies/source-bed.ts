import { type Hex, numberToHex } from "viem";
import { reorgChain } from "../../local/chain/reorg-chain.ts";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { TestChain } from "../support/test-chain.ts";
import { LyingNode } from "./lying-node.ts";

export type BedBlock = Record<string, unknown> & { hash: Hex; number: Hex; parentHash: Hex };
export type BedLog = Record<string, unknown> & { blockHash: Hex; logIndex: Hex; address: Hex };

const DEALS = 3;
const DEEPEST_REORG = 6;
const IDLE_BLOCKS = 6;

/** A chain with some history and a branch that was dropped, and the truth about both. */
export class SourceBed {
  readonly chain: TestChain;
  /** With their transactions, as those that were dropped. */
  readonly blocks: readonly BedBlock[];
  readonly logs: readonly BedLog[];
  readonly emitters: readonly Hex[];
  readonly dropped: readonly BedBlock[];

  private constructor(
    chain: TestChain,
    truth: Pick<SourceBed, "blocks" | "logs" | "emitters" | "dropped">,
  ) {
    this.chain = chain;
    this.blocks = truth.blocks;
    this.logs = truth.logs;
    this.emitters = truth.emitters;
    this.dropped = truth.dropped;
  }

  /** @param seed what the history is made from */
  static async start(chainId: number, seed: string): Promise<SourceBed> {
    const random = new SeededRandom(`bed ${seed}`);
    const chain = await TestChain.start(chainId);
    await chain.client.mine({ blocks: IDLE_BLOCKS });
    for (let round = 0; round < DEALS; round++) {
      await chain.makeDeals();
      await chain.client.mine({ blocks: random.integer(1, 3) });
      if (random.chance(0.5)) await chain.create(random.pick(["A", "B"] as const));
    }
    const node = await LyingNode.start(chain.rpcUrl);
    try {
      const depth = random.integer(2, DEEPEST_REORG);
      const before = await readBlocks(node);
      await reorgChain({ rpcUrl: chain.rpcUrl, depth });
      await chain.makeDeals();
      const blocks = await readBlocks(node);
      const logs = (await node.truth("eth_getLogs", [
        { fromBlock: "0x0", toBlock: "latest" },
      ])) as BedLog[];
      const emitters = [...new Set(logs.map(({ address }) => address))];
      return new SourceBed(chain, { blocks, logs, emitters, dropped: before.slice(-depth) });
    } finally {
      await node.stop();
    }
  }

  get factories(): { address: Hex; startBlock: number; revision: "A" | "B" }[] {
    const { revisionA, revisionB } = this.chain.factories;
    return [
      { ...revisionA, revision: "A" },
      { ...revisionB, revision: "B" },
    ];
  }

  stop(): Promise<void> {
    return this.chain.stop();
  }
}

async function readBlocks(node: LyingNode): Promise<BedBlock[]> {
  const head = Number(await node.truth("eth_blockNumber", []));
  return (await Promise.all(
    Array.from({ length: head + 1 }, (_, at) =>
      node.truth("eth_getBlockByNumber", [numberToHex(at), true]),
    ),
  )) as BedBlock[];
}
