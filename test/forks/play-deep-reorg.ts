import { EXIT_CONFIG } from "../../config/error-catalogue.ts";
import type { SeededRandom } from "../../local/chain/seeded-random.ts";
import { FINAL_TOPIC } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";
import { ChainHistory } from "./chain-history.ts";
import type { ForkJudge } from "./fork-judge.ts";
import { type ForkWorld, NEXT_FINAL_TOPIC } from "./fork-world.ts";

const PATIENCE_MS = 600_000;

/**
 * Ends a run: one chain replaces blocks that had counted as final and were told as such. The final
 * topic has to fall silent, the engine must not start again on what it has, and the way out that is
 * documented has to lead to the new chain's history, on a topic of its own.
 *
 * @returns what is wrong, in words
 */
export async function playDeepReorg(
  world: ForkWorld,
  judge: ForkJudge,
  random: SeededRandom,
): Promise<string[]> {
  const { engine, relay, pool, recorder } = world;
  const history = new ChainHistory(random.pick(world.chains), random);
  do history.mine(random.integer(2, 4));
  while (history.lastBlock === 0);
  history.settle();
  const isSettled = await judge.untilSettled([history]);
  const told = recorder.on(FINAL_TOPIC).length;

  history.forkDeep();
  const reason = await waitUntil("the final publication is halted", haltedReason, PATIENCE_MS);
  await engine.kill();
  engine.start();
  await waitUntil("the engine refuses to start", () => engine.exitCode !== null, PATIENCE_MS);
  const problems = [
    ...(isSettled ? [] : ["not settled before the deep reorg"]),
    ...(reason.includes("deeper-than-finality") ? [] : [`the halt says: ${reason}`]),
    ...(engine.exitCode === EXIT_CONFIG ? [] : [`the engine ended with ${engine.exitCode}`]),
  ];

  // The documented way out. A process that reads just then can be in the way, and the statement is
  // given again.
  const { rows } = await pool.query<{ schema: string }>(
    String.raw`select nspname as schema from pg_namespace where nspname like 'escrow\_%'`,
  );
  for (const { schema } of [...rows, { schema: "ponder_sync" }])
    await waitUntil(`${schema} is dropped`, () =>
      pool.query(`drop schema if exists "${schema}" cascade`),
    );
  engine.start();
  await relay.stop();
  relay.start({ PUBLICATIONS: `${world.publications},${NEXT_FINAL_TOPIC}=finalized` });
  history.settle();
  judge.giveUpFinalTopic();
  problems.push(...(await judge.judge([history])), ...(await judge.judgeAll()));
  if (recorder.on(FINAL_TOPIC).length !== told) problems.push(`${FINAL_TOPIC} went on`);
  return problems;

  async function haltedReason(): Promise<string | false> {
    const { rows } = await pool.query<{ halted_reason: string | null }>(
      "select halted_reason from relay.publication where topic = $1",
      [FINAL_TOPIC],
    );
    return rows[0]?.halted_reason ?? false;
  }
}
