import { numberToHex } from "viem";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ChainNode } from "../forks/chain-node.ts";
import { ChainSimulator } from "../forks/chain-simulator.ts";
import { SimulatedChain } from "../forks/simulated-chain.ts";
import { loadEngine } from "../support/load-engine.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { waitUntil } from "../support/wait-until.ts";

/*
 * What the patched engine lets be done to the database while it follows two
 * simulated chains, one of which forks. Every block is an event.
 */

const FINAL_BLOCK = 3;
const FORKS_DEEPLY = { chainId: 41_303, finalityBlockCount: 30 };
/** Tells with its block 7 that block 5 is final. */
const IS_SOON_FINAL = { chainId: 41_304, finalityBlockCount: 2 };

type IndexedEvent = { checkpoint: string; chain: { id: number } };
type Step = {
  type: "block" | "reorg" | "finalize";
  isReorg?: boolean;
  chain: { id: number };
  checkpoint: string;
  events?: IndexedEvent[];
  blockCallback?: (isIndexed: boolean) => void;
};

type Realtime = { getRealtimeEventsMultichain: (args: unknown) => AsyncGenerator<Step> };
type Checkpoint = {
  encodeCheckpoint: (checkpoint: object) => string;
  blockToCheckpoint: (block: object, chainId: number, rounding: "up") => object;
};

let realtime: Realtime;
let checkpoints: Checkpoint;
let deep: FollowedChain;
let soon: FollowedChain;
let simulator: ChainSimulator;
let steps: AsyncGenerator<Step>;
/** Asked for before it is there: the engine listens to its chains only then. */
let coming: Promise<IteratorResult<Step>>;
/** What the database holds, in the order of its making. */
let indexed: IndexedEvent[];
/** The chains whose reorgs the engine counted. */
let reorgs: string[];

beforeAll(async () => {
  realtime = await loadEngine("runtime/realtime.js");
  checkpoints = await loadEngine("utils/checkpoint.js");
});

beforeEach(async () => {
  deep = new FollowedChain(FORKS_DEEPLY);
  soon = new FollowedChain(IS_SOON_FINAL);
  simulator = await ChainSimulator.start([deep.node, soon.node]);
  indexed = [];
  reorgs = [];
  steps = follow([deep, soon]);
  coming = steps.next();
});

afterEach(() => simulator.stop());

test("no block is called final while its events are reverted for another chain's reorg", async () => {
  await index(deep, 1);
  await index(soon, 3);
  await index(deep, 1);
  // Both are known before either is indexed: the reorg falls between a block and what it makes final.
  soon.chain.mine(empty(1));
  await soon.tell();
  deep.chain.fork(FINAL_BLOCK, empty(1));
  await deep.tell();
  await waitUntil("the fork was followed", () => deep.isIdle);

  expect(await next()).toMatchObject({ type: "block", chain: soon.engineChain });
  expect(await next()).toMatchObject({ chain: deep.engineChain, checkpoint: deep.upTo(3) });
  expect(await next()).toMatchObject({ type: "finalize", checkpoint: soon.upTo(5) });
  expect(blocksOf(soon)).toEqual([4, 5, 6, 7]);
  expect(blocksOf(deep)).toEqual([]);
});

test("what a reorg reverts of another chain is indexed again before anything else", async () => {
  await index(soon, 1);
  await index(deep, 2);
  await index(soon, 2);
  deep.chain.fork(FINAL_BLOCK + 1, empty(2));
  await deep.tell();
  const reorg = await next();
  expect(reorg).toMatchObject({ type: "block", isReorg: true, checkpoint: deep.upTo(4) });
  expect(reorg.events?.map(blockOf)).toEqual([5, 6]);
  expect(blocksOf(soon)).toEqual([4, 5, 6]);
  expect(blocksOf(deep)).toEqual([4]);

  // What was indexed again can be reverted again.
  await index(deep, 1, 3);
  deep.chain.fork(FINAL_BLOCK, empty(4));
  await deep.tell();
  await next();
  expect(blocksOf(soon)).toEqual([4, 5, 6]);
  expect(blocksOf(deep)).toEqual([]);
  expect(reorgs).toEqual([deep.engineChain.name, deep.engineChain.name]);
});

/** Does what the engine does to its rows with the next step, and sees that no claim is too high. */
async function next(): Promise<Step> {
  const { value, done } = await coming;
  if (done) throw new Error("the engine ended");
  const step: Step = value;
  step.blockCallback?.(true);
  coming = steps.next();
  if (step.type === "reorg" || step.isReorg) {
    const first = indexed.findIndex(
      ({ chain, checkpoint }) => chain.id === step.chain.id && checkpoint > step.checkpoint,
    );
    if (first >= 0) indexed = indexed.slice(0, first);
  }
  indexed.push(...(step.events ?? []));
  if (step.type === "finalize") {
    const chain = step.chain.id === soon.chain.chainId ? soon : deep;
    const final = chain.chain.canonical.filter(
      ({ number }) => number > FINAL_BLOCK && chain.upTo(number) <= step.checkpoint,
    );
    expect(blocksOf(chain)).toEqual(expect.arrayContaining(final.map(({ number }) => number)));
  }
  return step;
}

/** Lets blocks be mined and indexed. */
async function index(chain: FollowedChain, count: number, expected = count): Promise<void> {
  chain.chain.mine(empty(count));
  await chain.tell();
  for (let left = expected; left > 0; left--)
    expect(await next()).toMatchObject({ type: "block", chain: chain.engineChain });
}

function blocksOf({ chain }: FollowedChain): number[] {
  return indexed.filter((event) => event.chain.id === chain.chainId).map(blockOf);
}

function blockOf({ checkpoint }: IndexedEvent): number {
  return Number(checkpoint.slice(26, 42));
}

function follow(followed: FollowedChain[]): AsyncGenerator<Step> {
  return realtime.getRealtimeEventsMultichain({
    common: { logger: silentLogger(), metrics: countsReorgs(), shutdown: { isKilled: false } },
    indexingBuild: {
      chains: followed.map(({ engineChain }) => engineChain),
      rpcs: followed.map(({ rpc }) => rpc),
      eventCallbacks: followed.map(({ eventCallbacks }) => eventCallbacks),
    },
    perChainSync: new Map(
      followed.map((chain) => [
        chain.engineChain,
        {
          syncProgress: chain.syncProgress,
          childAddresses: new Map(),
          unfinalizedBlocks: [],
        },
      ]),
    ),
    database: { syncQB: { wrap: async () => [] } },
  });
}

/** A chain and what the engine needs in order to follow it. */
class FollowedChain {
  readonly chain: SimulatedChain;
  readonly node: ChainNode;
  readonly engineChain: { id: number; name: string };
  readonly eventCallbacks: object[];
  readonly syncProgress: Record<string, unknown>;
  readonly rpc: object;
  isIdle = true;
  #onBlock: ((block: unknown) => Promise<unknown>) | undefined;

  constructor({ chainId, finalityBlockCount }: typeof FORKS_DEEPLY) {
    this.chain = new SimulatedChain(chainId, "engine-reorg");
    this.chain.mine(empty(FINAL_BLOCK));
    this.node = new ChainNode(this.chain);
    // Nothing is to be kept for another start.
    const rest = { finalityBlockCount, pollingInterval: 1_000, disableCache: true };
    this.engineChain = { id: chainId, name: `chain-${chainId}`, ...rest };
    this.eventCallbacks = [
      {
        type: "block",
        filter: { type: "block", chainId, interval: 1, offset: 0, hasTransactionReceipt: false },
      },
    ];
    const { number, hash, timestamp } = this.chain.head;
    const final = { number: numberToHex(number), hash, timestamp: numberToHex(timestamp) };
    this.syncProgress = {
      ...{ finalized: final, current: final, isEnd: () => false },
      getCheckpoint: ({ tag }: { tag: string }) =>
        checkpoints.encodeCheckpoint(
          checkpoints.blockToCheckpoint(this.syncProgress[tag] as object, chainId, "up"),
        ),
    };
    this.rpc = {
      request: (request: object) => this.#ask(request),
      subscribe: ({ onBlock }: { onBlock: (block: unknown) => Promise<unknown> }) => {
        this.#onBlock = onBlock;
      },
    };
  }

  /** Tells the engine of the head, as a node does. */
  async tell(): Promise<void> {
    const head = await this.#ask({ method: "eth_getBlockByNumber", params: ["latest", true] });
    const onBlock = this.#onBlock;
    if (onBlock === undefined) throw new Error("the engine does not listen");
    this.isIdle = false;
    void onBlock(head).then(() => {
      this.isIdle = true;
    });
  }

  /** The checkpoint behind everything in a block. */
  upTo(number: number): string {
    const block = {
      number: numberToHex(number),
      timestamp: numberToHex(this.chain.at(number).timestamp),
    };
    return checkpoints.encodeCheckpoint(
      checkpoints.blockToCheckpoint(block, this.chain.chainId, "up"),
    );
  }

  async #ask(request: object): Promise<unknown> {
    const response = await fetch(simulator.urlOf(this.node), {
      method: "POST",
      body: JSON.stringify({ id: 1, ...request }),
    });
    const { result, error } = (await response.json()) as { result?: unknown; error?: object };
    if (error !== undefined) throw new Error(JSON.stringify(error));
    return result;
  }
}

function empty(count: number) {
  return Array.from({ length: count }, () => ({ transactions: [], secondsLater: 2 }));
}

function countsReorgs() {
  const count = ({ chain }: { chain: string }) => reorgs.push(chain);
  return new Proxy(
    {},
    {
      get: (_, name) => ({
        inc: name === "ponder_realtime_reorg_total" ? count : nothing,
        set: nothing,
        observe: nothing,
      }),
    },
  );
}

function nothing(): void {
  // The engine tells its metrics, and nobody listens.
}
