import { setTimeout } from "node:timers/promises";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, type TestWorld } from "../support/test-world.ts";
import { TopicsJudge } from "./judge-topics.ts";
import { KeptAlive } from "./kept-alive.ts";
import { emptyVerdict, type LieVerdict } from "./lie-verdict.ts";
import { type Asking, LiedChain } from "./lied-chain.ts";
import type { NamedLie } from "./named-lie.ts";

/** When lies are told, and to whom. */
export const PHASES = ["backfill", "live", "evidence"] as const;
type Phase = (typeof PHASES)[number];

export type RoundGame = { lie: NamedLie; nodes: number };
export type Played = RoundGame & {
  /** What came of the lies that were told in each phase, and how many were. */
  phases: Record<Phase, { verdict: LieVerdict; told: number }>;
};

export type RoundOptions = {
  seed: string;
  firstChainId: number;
  patienceMs: number;
};

const LOOK_MS = 200;

/**
 * Lets one real indexer and relay follow several real chains, each through endpoints of its own that
 * lie in one way: while there is a backfill, while new blocks come and are replaced, and to the relay
 * while it looks for evidence. What goes wrong with a chain is its lie's doing.
 */
export async function playRound(
  world: TestWorld,
  games: readonly RoundGame[],
  options: RoundOptions,
): Promise<Played[]> {
  const round = await Round.start(world, games, options);
  await round.phase("backfill", "indexer", async () => undefined);
  await round.phase("live", "indexer", async ({ lied, settled }) => {
    await lied.playOn();
    await settled();
    await lied.reorg();
    await lied.makeDeals();
  });
  await round.evidence();
  return round.played;
}

type Seat = { lied: LiedChain; judge: TopicsJudge; played: Played };
type Step = (seat: { lied: LiedChain; settled: () => Promise<void> }) => Promise<void>;

class Round {
  readonly #world: TestWorld;
  readonly #seats: readonly Seat[];
  readonly #databaseUrl: string;
  readonly #services: Record<Asking, KeptAlive>;
  readonly #patienceMs: number;
  readonly #halts = new Set<string>();

  private constructor(parts: {
    world: TestWorld;
    seats: Seat[];
    databaseUrl: string;
    services: Record<Asking, KeptAlive>;
    patienceMs: number;
  }) {
    this.#world = parts.world;
    this.#seats = parts.seats;
    this.#databaseUrl = parts.databaseUrl;
    this.#services = parts.services;
    this.#patienceMs = parts.patienceMs;
  }

  static async start(
    world: TestWorld,
    games: readonly RoundGame[],
    { seed, firstChainId, patienceMs }: RoundOptions,
  ): Promise<Round> {
    const projectId = world.freshProject();
    const recorder = await world.record(projectId);
    const databaseUrl = await world.createDatabase();
    const chains = await Promise.all(
      games.map((game, at) => LiedChain.start(world, firstChainId + at, { ...game, seed })),
    );
    for (const lied of chains) lied.lies("indexer", true);
    const env = (who: Asking): Record<string, string> => ({
      ...TestChain.environment(chains.map(({ chain }) => chain)),
      ...Object.fromEntries(
        chains.flatMap((lied) => [
          [`RPC_URL_${lied.chain.chainId}`, lied.urls(who)],
          ...(lied.lie.agree ? [[`RPC_AGREE_${lied.chain.chainId}`, String(lied.lie.agree)]] : []),
        ]),
      ),
      DATABASE_URL: databaseUrl,
      PUBSUB_PROJECT_ID: projectId,
      PUBSUB_EMULATOR_HOST: world.pubsub.address,
      METADATA_SERVER_DETECTION: "none",
      RELAY_POLL_INTERVAL_MS: "100",
      RELAY_LEASE_MS: "5000",
      FINAL_REQUIRES: "trust",
    });
    const release = (): Promise<void> => releaseSchemas(world, databaseUrl);
    const services = {
      indexer: world.ends(new KeptAlive("indexer", env("indexer"), release)),
      relay: world.ends(new KeptAlive("relay", env("relay"))),
    };
    const seats = chains.map((lied) => ({
      lied,
      judge: new TopicsJudge(lied, recorder),
      played: {
        ...{ lie: lied.lie, nodes: lied.nodeCount },
        phases: Object.fromEntries(
          PHASES.map((phase) => [phase, { verdict: emptyVerdict(), told: 0 }]),
        ) as Played["phases"],
      },
    }));
    return new Round({ world, seats, databaseUrl, services, patienceMs });
  }

  get played(): Played[] {
    return this.#seats.map(({ played }) => played);
  }

  /** Plays a step on every chain at once while one process hears lies, and judges what came of it. */
  async phase(phase: Phase, who: Asking, step: Step): Promise<void> {
    await Promise.all(
      this.#seats.map(async (seat) => {
        seat.lied.lies(who, true);
        const settled = () => this.#settle(seat, phase, LATEST_TOPIC);
        await step({ lied: seat.lied, settled });
        await settled();
        seat.judge.read(seat.played.phases[phase].verdict);
        seat.played.phases[phase].told += seat.lied.lies(who, false);
      }),
    );
    await this.#noteHalts(phase);
  }

  /**
   * What the engine reverts when it is killed is gone for seconds, while the relay's nodes lie; then
   * blocks are replaced for good; then all becomes final, which the relay looks for evidence of, too.
   */
  async evidence(): Promise<void> {
    for (const { lied } of this.#seats) lied.lies("relay", true);
    await this.#services.indexer.kill();
    await this.phase("evidence", "relay", async ({ lied, settled }) => {
      await lied.makeDeals();
      await settled();
      await lied.reorg();
      await lied.makeDeals();
      await settled();
      await lied.chain.makeFinal();
    });
    for (const { lied } of this.#seats) lied.lies("relay", true);
    await Promise.all(
      this.#seats.map(async (seat) => {
        const { verdict } = seat.played.phases.evidence;
        await this.#settle(seat, "evidence", FINAL_TOPIC);
        seat.judge.read(verdict);
        verdict.differing += await seat.judge.finalDiffers();
        seat.played.phases.evidence.told += seat.lied.lies("relay", false);
      }),
    );
    await this.#noteHalts("evidence");
  }

  /** Waits until a topic has what the chain has; what is missing in the end is lost. */
  async #settle({ judge, lied, played }: Seat, phase: Phase, topic: string): Promise<void> {
    const { verdict } = played.phases[phase];
    // What was stuck once is not waited for again.
    if (Object.values(played.phases).some((each) => each.verdict.stuck.length > 0)) return;
    const deadline = performance.now() + this.#patienceMs;
    for (;;) {
      const { missing, surplus } = await judge.open(topic);
      if (missing === 0 && surplus === 0) return;
      if (performance.now() > deadline) {
        verdict.lost += missing;
        verdict.stuck.push(
          `${lied.lie.name}, from one of ${lied.nodeCount}, ${phase}: ${missing} missing and ${surplus} too many on ${topic}; the indexer's last words:\n${this.#services.indexer.lastWords}`,
        );
        return;
      }
      await setTimeout(LOOK_MS);
    }
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
      const { verdict } = (seat ?? (this.#seats[0] as Seat)).played.phases[phase];
      if (!this.#halts.has(reason)) verdict.falseHalts += 1;
      this.#halts.add(reason);
    }
  }
}

/** The engine keeps others out of its schema for 25 s after it was killed. */
async function releaseSchemas(world: TestWorld, databaseUrl: string): Promise<void> {
  const schemas = await world.query<{ schema: string }>(
    databaseUrl,
    String.raw`select schemaname as schema from pg_tables
               where tablename = '_ponder_meta' and schemaname like 'escrow\_%'`,
  );
  for (const { schema } of schemas)
    await world.query(
      databaseUrl,
      `update "${schema}"._ponder_meta set value = jsonb_set(value, '{is_locked}', '0')
       where key = 'app'`,
    );
}
