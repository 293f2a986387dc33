import { numberToHex } from "viem";
import { reorgChain } from "../../local/chain/reorg-chain.ts";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { type OpenDeals, playFirstHalf, playSecondHalf } from "../support/deal-script.ts";
import { expectedMessages } from "../support/expected-messages.ts";
import { TestChain } from "../support/test-chain.ts";
import { LATEST_TOPIC, type TestWorld } from "../support/test-world.ts";
import { Liar } from "./liar.ts";
import { LyingNode } from "./lying-node.ts";
import type { NamedLie } from "./named-lie.ts";

/** Who asks a chain's nodes. Each process has endpoints of its own, so each hears its own lies. */
const ASKING = ["indexer", "relay"] as const;
export type Asking = (typeof ASKING)[number];

type Place = { nodes: LyingNode[]; liar: Liar };

const DEEPEST_REORG = 5;

/** A real chain, and the endpoints that each process asks for it: the first of them lies. */
export class LiedChain {
  readonly chain: TestChain;
  readonly lie: NamedLie;
  readonly nodeCount: number;
  /** Bodies of all events that ever were, by their id, on branches that were dropped too. */
  readonly ever = new Map<string, string>();
  readonly dropped = new Set<string>();
  readonly #places: Record<Asking, Place>;
  readonly #random: SeededRandom;
  #open: OpenDeals | null = null;

  private constructor(
    chain: TestChain,
    game: { lie: NamedLie; nodes: number },
    places: Record<Asking, Place>,
    random: SeededRandom,
  ) {
    this.chain = chain;
    this.lie = game.lie;
    this.nodeCount = game.nodes;
    this.#places = places;
    this.#random = random;
  }

  static async start(
    world: TestWorld,
    chainId: number,
    game: { lie: NamedLie; nodes: number; seed: string },
  ): Promise<LiedChain> {
    const chain = world.ends(await TestChain.start(chainId));
    const random = new SeededRandom(`${game.seed} ${game.lie.name} ${game.nodes}`);
    const places = {} as Record<Asking, Place>;
    for (const who of ASKING) {
      const nodes = await Promise.all(
        Array.from({ length: game.nodes }, async () =>
          world.ends(await LyingNode.start(chain.rpcUrl)),
        ),
      );
      const [first, ...others] = nodes as [LyingNode];
      const isAlone = game.nodes === 1;
      const liar = new Liar(first, { lies: [game.lie], random, isAlone });
      for (const node of others as LyingNode[]) node.lie = game.lie.everywhere ?? node.lie;
      places[who] = { nodes, liar };
    }
    const lied = new LiedChain(chain, game, places, random);
    lied.#open = await playFirstHalf(chain);
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

  /** Goes on with what the first half left open, and what the seed decides. */
  async playOn(): Promise<void> {
    if (this.#open) await playSecondHalf(this.chain, this.#open);
    this.#open = null;
    await this.makeDeals();
  }

  async makeDeals(): Promise<void> {
    for (let left = this.#random.integer(1, 2); left > 0; left--) {
      await this.chain.makeDeals();
      await this.chain.client.mine({ blocks: this.#random.integer(1, 3) });
    }
  }

  /** Replaces the newest blocks; nothing of them comes back. */
  async reorg(): Promise<void> {
    await this.note();
    const depth = this.#random.integer(2, DEEPEST_REORG);
    const head = Number(await this.chain.client.getBlockNumber());
    const [node] = this.#places.indexer.nodes as [LyingNode];
    for (let number = head - depth + 1; number <= head; number++) {
      const block = (await node.truth("eth_getBlockByNumber", [numberToHex(number), false])) as {
        hash: string;
      };
      this.dropped.add(block.hash);
      for (const who of ASKING)
        for (const each of this.#places[who].nodes) each.dropped.set(number, block);
    }
    await reorgChain({ rpcUrl: this.chain.rpcUrl, depth });
  }

  /** Notes the events that there are. @returns their ids */
  async note(): Promise<string[]> {
    const messages = await expectedMessages(this.chain, LATEST_TOPIC);
    return messages.map(({ attributes, body }) => {
      const id = attributes.event_id ?? "";
      this.ever.set(id, body);
      return id;
    });
  }
}
