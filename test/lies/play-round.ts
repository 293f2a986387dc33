import { FINAL_TOPIC, LATEST_TOPIC, type TestWorld } from "../support/test-world.ts";
import { LieSeat, type Phase, type PhasePlayed } from "./lie-seat.ts";
import { type Asking, LiedChain } from "./lied-chain.ts";
import type { NamedLie } from "./named-lie.ts";
import { PlantedHole } from "./planted-hole.ts";
import { type RoundServices, startServices } from "./round-services.ts";

export type RoundGame = { lie: NamedLie; nodes: number };
export type Played = RoundGame & { phases: Record<Phase, PhasePlayed> };

export type RoundOptions = {
  seed: string;
  firstChainId: number;
  patienceMs: number;
  /** Told what a process said last when something of a chain was wrong. */
  onWrong: (words: string) => void;
};

/**
 * Lets one real indexer, relay and witness follow several real chains, each through endpoints of its
 * own that lie in one way: while there is a backfill, while new blocks come and are replaced, to the
 * relay while it looks for evidence, and to the witness while it proves. What goes wrong with a chain
 * is its lie's doing.
 */
export async function playRound(
  world: TestWorld,
  games: readonly RoundGame[],
  options: RoundOptions,
): Promise<Played[]> {
  const round = await Round.start(world, games, options);
  await round.backfill();
  await round.live();
  await round.evidence();
  await round.witness();
  return round.played;
}

type Turn = { seat: LieSeat; settled: (topic: string) => Promise<void> };

class Round {
  readonly #world: TestWorld;
  readonly #games: readonly RoundGame[];
  readonly #seats: readonly LieSeat[];
  readonly #databaseUrl: string;
  readonly #services: RoundServices;
  readonly #onWrong: RoundOptions["onWrong"];
  readonly #halts = new Set<string>();

  private constructor(
    world: TestWorld,
    parts: {
      games: readonly RoundGame[];
      seats: LieSeat[];
      databaseUrl: string;
      services: RoundServices;
    },
    onWrong: RoundOptions["onWrong"],
  ) {
    this.#world = world;
    this.#games = parts.games;
    this.#seats = parts.seats;
    this.#databaseUrl = parts.databaseUrl;
    this.#services = parts.services;
    this.#onWrong = onWrong;
  }

  static async start(
    world: TestWorld,
    games: readonly RoundGame[],
    { seed, firstChainId, patienceMs, onWrong }: RoundOptions,
  ): Promise<Round> {
    const projectId = world.freshProject();
    const recorder = await world.record(projectId);
    const databaseUrl = await world.createDatabase();
    const chains = await Promise.all(
      games.map(({ lie, nodes }, at) =>
        LiedChain.start(world, firstChainId + at, { lies: [lie], nodes, seed }),
      ),
    );
    for (const lied of chains) lied.lies("indexer", true);
    const services = startServices(world, chains, { databaseUrl, projectId, isHealing: false });
    const options = { world, databaseUrl, recorder, patienceMs };
    const seats = chains.map((lied) => new LieSeat(lied, options));
    return new Round(world, { games, seats, databaseUrl, services }, onWrong);
  }

  get played(): Played[] {
    return this.#games.map((game, at) => ({
      ...game,
      phases: (this.#seats[at] as LieSeat).phases,
    }));
  }

  async backfill(): Promise<void> {
    await this.#phase("backfill", "indexer", ({ settled }) => settled(LATEST_TOPIC));
  }

  async live(): Promise<void> {
    await this.#phase("live", "indexer", async ({ seat: { lied }, settled }) => {
      await lied.playOn();
      await settled(LATEST_TOPIC);
      await lied.reorg();
      await lied.makeDeals();
      await settled(LATEST_TOPIC);
    });
  }

  /**
   * What the engine reverts when it is killed is gone for seconds, while the relay's nodes lie; then
   * blocks are replaced for good.
   */
  async evidence(): Promise<void> {
    for (const { lied } of this.#seats) lied.lies("relay", true);
    await this.#services.indexer.kill();
    await this.#phase("evidence", "relay", async ({ seat: { lied }, settled }) => {
      await lied.makeDeals();
      await settled(LATEST_TOPIC);
      await lied.reorg();
      await lied.makeDeals();
      await settled(LATEST_TOPIC);
    });
  }

  /**
   * The witness proves what becomes final, in an event store that lacks an event where anybody can
   * prove that it does: it has to say so, and verified must not get there before it is back. The
   * relay, which would halt at a block that is replaced then, goes on hearing lies.
   */
  async witness(): Promise<void> {
    const world = this.#world;
    const url = this.#databaseUrl;
    await this.#phase("witness", "witness", async ({ seat, settled }) => {
      const { lied, witness, phases } = seat;
      const { verdict } = phases.witness;
      await lied.makeDeals();
      await settled(LATEST_TOPIC);
      const isPlanted = witness.isProvable && !seat.isStuck;
      const hole = isPlanted ? await PlantedHole.make(world, url, lied.chain.chainId) : null;
      lied.lies("relay", true);
      await lied.chain.makeFinal();
      if (hole !== null) {
        await seat.until("witness", "the witness does not find what is missing", async () => {
          if ((await witness.verified()) < hole.block) return await witness.hasFound(hole);
          verdict.misjudged.push(`verified through block ${hole.block}, which lacks an event`);
          return true;
        });
        await hole.fill();
      }
      const last = await lied.lastEventBlock();
      await seat.until("witness", "the witness gets no further", async () => {
        return (await witness.verified()) >= last;
      });
      await witness.judge(hole === null ? [] : [hole], verdict);
      await seat.settled("evidence", FINAL_TOPIC);
      phases.evidence.verdict.differing += await seat.topics.finalDiffers();
      phases.evidence.told += lied.lies("relay", false);
    });
  }

  /** Plays a step on every chain at once while one process hears lies, and judges what came of it. */
  async #phase(phase: Phase, who: Asking, step: (turn: Turn) => Promise<void>): Promise<void> {
    await Promise.all(
      this.#seats.map(async (seat) => {
        const { verdict } = seat.phases[phase];
        seat.lied.lies(who, true);
        await step({ seat, settled: (topic) => seat.settled(phase, topic) });
        seat.topics.read(verdict);
        seat.phases[phase].told += seat.lied.lies(who, false);
        const [stuck] = verdict.stuck;
        if (stuck === undefined) return;
        const { game, chain } = seat.lied;
        this.#onWrong(
          `chain ${chain.chainId}, ${game.lies[0]?.name}, from one of ${game.nodes}, ${phase}: ${stuck}; the ${who} said last:\n${this.#services[who].lastWords}`,
        );
      }),
    );
    await this.#noteHalts(phase);
  }

  /** A halted publication names the chain. It goes on, so that the others are judged as well. */
  async #noteHalts(phase: Phase): Promise<void> {
    const halted = await this.#world.query<{ halted_reason: string }>(
      this.#databaseUrl,
      "select halted_reason from relay.publication where halted_reason is not null",
    );
    for (const { halted_reason: reason } of halted) {
      const seat = this.#seats.find(({ lied }) =>
        reason.includes(`of chain ${lied.chain.chainId} `),
      );
      const { verdict } = (seat ?? (this.#seats[0] as LieSeat)).phases[phase];
      if (!this.#halts.has(reason)) verdict.falseHalts += 1;
      this.#halts.add(reason);
    }
  }
}
