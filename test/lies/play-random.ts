import { setTimeout } from "node:timers/promises";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { FINAL_TOPIC, LATEST_TOPIC, type TestWorld } from "../support/test-world.ts";
import { LieSeat } from "./lie-seat.ts";
import type { LieVerdict } from "./lie-verdict.ts";
import { ASKING, type Asking, LiedChain, type LiedGame } from "./lied-chain.ts";
import { startServices } from "./round-services.ts";

export type RandomOptions = {
  /** How long there is traffic, in milliseconds. */
  forMs: number;
  /** How long anything may take to come to be, in milliseconds. */
  patienceMs: number;
  onProgress: (words: string) => void;
};

export type RandomPlayed = {
  verdict: LieVerdict;
  /** Answers that were lies. */
  told: number;
  asked: number;
  events: number;
  reorgs: number;
  kills: Record<Asking, number>;
};

const LONGEST_PAUSE_MS = 1_500;
const PROGRESS_MS = 60_000;

/**
 * Lets the real indexer, relay and witness follow one chain whose first endpoint lies at random, all
 * the while: escrows are made, blocks are replaced, and the processes are killed and started again.
 * In the end, both topics have to be what the chain's own logs call for.
 */
export async function playRandom(
  world: TestWorld,
  chainId: number,
  game: LiedGame,
  { forMs, patienceMs, onProgress }: RandomOptions,
): Promise<RandomPlayed> {
  const projectId = world.freshProject();
  const recorder = await world.record(projectId);
  const databaseUrl = await world.createDatabase();
  const lied = await LiedChain.start(world, chainId, { ...game, isShared: true });
  lied.lies("indexer", true);
  const services = startServices(world, [lied], { databaseUrl, projectId, isHealing: true });
  const seat = new LieSeat(lied, { world, databaseUrl, recorder, patienceMs });
  const { verdict } = seat.phases.live;
  const random = new SeededRandom(`random ${game.seed}`);
  const kills = { indexer: 0, relay: 0, witness: 0 };
  let reorgs = 0;

  await seat.settled("backfill", LATEST_TOPIC);
  await lied.playOn();
  const endsMs = performance.now() + forMs;
  let progressMs = performance.now() + PROGRESS_MS;
  while (performance.now() < endsMs && !seat.isStuck) {
    const what = random.weighted({ deals: 12, reorg: 3, kill: 1 });
    if (what === "deals") await lied.makeDeals();
    if (what === "reorg") {
      await lied.reorg();
      reorgs += 1;
    }
    if (what === "kill") {
      const who = ASKING[sumOf(kills) % ASKING.length] as Asking;
      await services[who].kill();
      kills[who] += 1;
      // What one kill leaves behind is not only ever met by the next one.
      if (random.chance(0.5)) await seat.settled("live", LATEST_TOPIC);
    }
    await setTimeout(random.integer(0, LONGEST_PAUSE_MS));
    if (performance.now() < progressMs) continue;
    progressMs = performance.now() + PROGRESS_MS;
    const { missing } = await seat.topics.open(LATEST_TOPIC);
    onProgress(
      `${Math.round(Math.max(0, endsMs - performance.now()) / 1_000)} s left: ${reorgs} reorgs, ${sumOf(kills)} kills, ${missing} events on their way`,
    );
  }
  await seat.settled("live", LATEST_TOPIC);
  await lied.chain.makeFinal();
  await seat.settled("live", FINAL_TOPIC);
  seat.topics.read(verdict);
  verdict.differing += await seat.topics.finalDiffers();
  await seat.witness.judge([], verdict);
  verdict.falseHalts += await haltsOf(world, databaseUrl);
  verdict.stuck.push(...seat.phases.backfill.verdict.stuck);
  if (seat.isStuck)
    for (const who of ASKING) onProgress(`the ${who} said last:\n${services[who].lastWords}`);
  const events = (await lied.note()).length;
  const { asked } = lied;
  return { verdict, told: lied.lies("indexer", false), asked, events, reorgs, kills };
}

async function haltsOf(world: TestWorld, databaseUrl: string): Promise<number> {
  const [halted] = await world.query<{ count: number }>(
    databaseUrl,
    "select count(*)::int from relay.publication where halted_reason is not null",
  );
  return halted?.count ?? 0;
}

function sumOf(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, each) => sum + each, 0);
}
