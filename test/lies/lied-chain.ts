import { numberToHex } from "viem";
import { reorgChain } from "../../local/chain/reorg-chain.ts";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { type OpenDeals, playFirstHalf } from "../support/deal-script.ts";
import { expectedMessages } from "../support/expected-messages.ts";
import { TestChain } from "../support/test-chain.ts";
import { LATEST_TOPIC, type TestWorld } from "../support/test-world.ts";
import { Liar } from "./liar.ts";
import { LyingNode } from "./lying-node.ts";
import type { NamedLie } from "./named-lie.ts";

/** Who asks a chain's nodes. Each process has endpoints of its own, so each hears its own lies. */
export const ASKING = ["indexer", "relay", "witness"] as const;
export type Asking = (typeof ASKING)[number];

export type LiedGame = {
  /** What a lying node chooses from, call by call. */
  lies: readonly NamedLie[];
  /** How many endpoints there are; the first one lies. */
  nodes: number;
  seed: string;
  /** Lies in this share of all answers, 0 to 1; else as often as each lie says. */
  rate?: number;
  /** All processes ask the same endpoints. */
  isShared?: boolean;
};

type Place = { nodes: LyingNode[]; liar: Liar };

const DEEPEST_REORG = 5;
/** The engine backfills what is that deep when it starts, and follows the rest. */
const BLOCKS_TO_HISTORY = 31;
/** The engine may be behind by many blocks when it asks a contract. */
const STATES_KEPT = 400;

/** A real chain, and the endpoints that each process asks for it: the first of them lies. */
export class LiedChain {
  readonly chain: TestChain;
  readonly game: LiedGame;
  /** Bodies of all events that ever were, by their id, on branches that were dropped too. */
  readonly ever = new Map<string, string>();
  readonly dropped = new Set<string>();
  readonly #places: Record<Asking, Place>;
  readonly #random: SeededRandom;
  #open: OpenDeals | null = null;
  /** Ids of its events as they were at a head. */
  #noted: { head: string; ids: string[]; lastBlock: number } | null = null;

  private constructor(
    chain: TestChain,
    game: LiedGame,
    places: Record<Asking, Place>,
    random: SeededRandom,
  ) {
    this.chain = chain;
    this.game = game;
    this.#places = places;
    this.#random = random;
  }

  static async start(world: TestWorld, chainId: number, game: LiedGame): Promise<LiedChain> {
    const chain = world.ends(await TestChain.start(chainId, STATES_KEPT));
    const names = game.lies.map(({ name }) => name).join();
    const random = new SeededRandom(`${game.seed} ${names} ${game.nodes}`);
    const places = {} as Record<Asking, Place>;
    for (const who of ASKING)
      places[who] =
        game.isShared && who !== "indexer"
          ? places.indexer
          : await startPlace(world, chain.rpcUrl, game, random);
    const lied = new LiedChain(chain, game, places, random);
    lied.#open = await playFirstHalf(chain);
    // So that all of it is what the engine calls history.
    await chain.client.mine({ blocks: BLOCKS_TO_HISTORY });
    return lied;
  }

  /** The endpoints of a process, as in its environment. */
  urls(who: Asking): string {
    return this.#places[who].nodes.map(({ url }) => url).join(",");
  }

  /** @returns how often it lied to that process since the last call */
  lies(who: Asking, isOn: boolean): number {
    return this.#places[who].liar.lies(isOn);
  }

  /** Answers of its endpoints so far, each counted once. */
  get asked(): number {
    const nodes = new Set(Object.values(this.#places).flatMap((place) => place.nodes));
    return [...nodes].reduce((sum, { answered }) => sum + answered, 0);
  }

  /** Goes on with escrows of the history, and begins new ones. */
  async playOn(): Promise<void> {
    if (this.#open)
      for (const { arbitrated } of Object.values(this.#open))
        await this.chain.call(this.chain.payee, arbitrated, "approve");
    this.#open = null;
    await this.makeDeals();
  }

  async makeDeals(): Promise<void> {
    await this.chain.makeDeals();
    await this.chain.client.mine({ blocks: this.#random.integer(1, 3) });
  }

  /** Replaces the newest blocks; nothing of them comes back. */
  async reorg(): Promise<void> {
    await this.note();
    const depth = this.#random.integer(2, DEEPEST_REORG);
    const head = Number(await this.chain.client.getBlockNumber());
    const [node] = this.#places.indexer.nodes as [LyingNode];
    for (let number = head - depth + 1; number <= head; number++) {
      const block = (await node.truth("eth_getBlockByNumber", [
        numberToHex(number),
        true,
      ])) as Record<string, unknown> & { hash: string };
      this.dropped.add(block.hash);
      for (const who of ASKING)
        for (const each of this.#places[who].nodes) each.dropped.set(number, block);
    }
    await reorgChain({ rpcUrl: this.chain.rpcUrl, depth });
  }

  /** Notes the events that there are. @returns their ids */
  async note(): Promise<string[]> {
    return (await this.#note()).ids;
  }

  /** The last block that has an event in it. */
  async lastEventBlock(): Promise<number> {
    return (await this.#note()).lastBlock;
  }

  async #note(): Promise<{ ids: string[]; lastBlock: number }> {
    const { hash: head } = await this.chain.client.getBlock();
    if (this.#noted?.head === head) return this.#noted;
    const messages = await expectedMessages(this.chain, LATEST_TOPIC);
    for (const { attributes, body } of messages) this.ever.set(attributes.event_id ?? "", body);
    const ids = messages.map(({ attributes }) => attributes.event_id ?? "");
    const last = JSON.parse(messages.at(-1)?.body ?? "{}") as { block_number?: number };
    const noted = { head, ids, lastBlock: last.block_number ?? 0 };
    // Read while a block came: the next look reads again.
    if ((await this.chain.client.getBlock()).hash === head) this.#noted = noted;
    return noted;
  }
}

async function startPlace(
  world: TestWorld,
  truth: string,
  { lies, nodes: count, rate }: LiedGame,
  random: SeededRandom,
): Promise<Place> {
  const nodes = await Promise.all(
    Array.from({ length: count }, async () => world.ends(await LyingNode.start(truth))),
  );
  const [first, ...others] = nodes as [LyingNode, ...LyingNode[]];
  const isAlone = count === 1;
  const liar = new Liar(first, {
    ...{ lies, random, isAlone },
    ...(rate === undefined ? {} : { rate }),
  });
  // What a chain is like always, every node of it says.
  const always = lies.map(({ everywhere }) => everywhere).filter((each) => each !== undefined);
  for (const node of others)
    node.lie = async (call, answer) => {
      let given = answer;
      for (const change of always) given = await change(call, given, node);
      return given;
    };
  return { nodes, liar };
}
