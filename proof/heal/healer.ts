import type pg from "pg";
import type { Chain } from "../../config/chain-deployment.ts";
import {
  type CacheRepair,
  endRepair,
  orderRepair,
  readRepairs,
  recordAttempt,
} from "../../engine/cache/cache-repair.ts";
import { findForgotten, provenAnnouncements } from "../../engine/cache/find-forgotten.ts";
import { followedFactories } from "../../engine/cache/followed-factory.ts";
import { isOfBuild } from "../../engine/deployment/generation.ts";
import { viewedDeployment } from "../../engine/deployment/viewed-deployment.ts";
import { readUnhealed, type Unhealed } from "../../engine/witness-findings.ts";
import { judgeRepair } from "./judge-repair.ts";
import type { runReplayProcess } from "./replay-process.ts";
import { sizeOfDeployment } from "./size-of-deployment.ts";

/** After so many replays that did not help, an operator has to look. */
const MOST_ATTEMPTS = 3;
/** Before the second attempt, and before each one after that. */
const PAUSE_MS = [60_000, 600_000];

type Write = (fields: { event: string; [name: string]: unknown }, text: string) => void;
type HealLog = Record<"info" | "warn" | "error", Write>;

export type HealerSettings = {
  databaseUrl: string;
  chains: readonly Chain[];
  /** This build's first deployment, as `deploymentSchema` names it; asked for when it is needed. */
  build: () => Promise<string>;
  /** The indexer's. */
  env: NodeJS.ProcessEnv;
  /** Of a chain, as the witness knows it. */
  scopeOf: (chain: Chain) => string;
  /** Runs a replay; resolves with its exit code. */
  replay: typeof runReplayProcess;
  log: HealLog;
  signal: AbortSignal;
};

/** What is left after a pass: nothing, something that is under way, or something for an operator. */
export type HealState = "clear" | "under-way" | "stuck";

/** What one chain needs. */
type Need = "nothing" | "wait" | "replay" | "stuck";

/**
 * Heals the live deployment:
 *
 *   the witness found a difference ──order──► the indexer starts again, trims the cache at its start
 *   and asks again for everything from there on ──► the live deployment is compared with the cache
 *   ──differs, or is found to differ──► replay ──► the new one is compared, and verified ──► healed
 *
 * An indexer that finds at its start what the cache has forgotten enters behind the order. Every step
 * is in the database (`cache-repair.ts`), so whoever dies, the next pass goes on.
 */
export class Healer {
  readonly #settings: HealerSettings;
  readonly #said = new Map<number, string>();

  constructor(settings: HealerSettings) {
    this.#settings = settings;
  }

  /** @throws what the database says; a later pass goes on */
  async pass(client: pg.Client): Promise<HealState> {
    const { chains, build } = this.#settings;
    const live = await viewedDeployment(client);
    if (live === null) return "clear";
    const repairs: CacheRepair[] = [];
    const needs: Need[] = [];
    for (const chain of chains) {
      const unhealed = await readUnhealed(client, chain.chainId, live);
      const [repair] = await readRepairs(client, [chain.chainId]);
      if (repair === undefined && unhealed.ofLive === null) continue;
      // What another build's deployment lacks is healed by that one's processes.
      if (!isOfBuild(live, await build())) return "clear";
      const need = await this.#needOf(client, chain, repair, unhealed, live);
      needs.push(need);
      if (need === "replay" && repair !== undefined) repairs.push(repair);
    }
    if (needs.includes("wait")) return "under-way";
    if (repairs.length > 0) {
      await this.#replay(client, repairs, live);
      return "under-way";
    }
    return needs.includes("stuck") ? "stuck" : "clear";
  }

  async #needOf(
    client: pg.Client,
    chain: Chain,
    repair: CacheRepair | undefined,
    { ofLive, ofOthers }: Unhealed,
    live: string,
  ): Promise<Need> {
    if (repair === undefined) {
      if (ofLive !== null) await this.#order(client, chain, ofLive);
      return "wait";
    }
    const { chainId, fromBlock, state, trimmedAt, triedAt } = repair;
    if (state === "ordered")
      return this.#wait(chainId, "waits for the indexer, which trims the cache when it starts");
    if (ofLive !== null && ofLive.firstBlock < fromBlock) {
      await this.#order(client, chain, ofLive);
      return "wait";
    }
    const found = await judgeRepair(this.#settings.databaseUrl, chain, repair, live);
    if (found === null)
      return this.#wait(
        chainId,
        `the indexer asks again for everything from block ${fromBlock} on`,
      );
    const isSame = found.missing + found.extra === 0;
    if (isSame && ofLive === null && ofOthers === 0) {
      await endRepair(client, chainId);
      this.#say("heal.done", `${live} has what the chain has, as it is cached now`, chainId);
      return "nothing";
    }
    if (isSame && ofLive === null)
      return this.#wait(chainId, `waits until the witness has verified ${live}`);
    const what = isSame
      ? `the witness still finds ${ofLive?.detail}`
      : `${live} lacks ${found.missing} events and has ${found.extra} too many, from block ${found.firstBlock} on`;
    return await this.#again(client, repair, what, triedAt !== null && triedAt > (trimmedAt ?? 0));
  }

  /** @param isTried a replay was made out of the cache as it was trimmed last */
  async #again(
    client: pg.Client,
    { chainId, fromBlock, attempts, triedAt }: CacheRepair,
    what: string,
    isTried: boolean,
  ): Promise<Need> {
    if (attempts >= MOST_ATTEMPTS) {
      const text = `chain ${chainId}: ${what}, after ${attempts} replays. Needs operator action: docs/how-to/a-hole-in-the-cache.md`;
      if (this.#isNew(chainId, text))
        this.#settings.log.error({ event: "heal.stuck", code: "ES-HEAL-STUCK" }, text);
      return "stuck";
    }
    const pauseMs = attempts === 0 ? 0 : (PAUSE_MS[attempts - 1] ?? 0);
    if (triedAt !== null && Date.now() - triedAt.getTime() < pauseMs)
      return this.#wait(chainId, `${what}; another attempt follows within ${pauseMs / 1_000} s`);
    if (!isTried) {
      this.#say("heal.replay-needed", `a replay is needed: ${what}`, chainId);
      return "replay";
    }
    await orderRepair(client, { chainId, fromBlock, reason: what });
    return "wait";
  }

  /** From the first difference on, or from the announcement of the first escrow that is not known. */
  async #order(
    client: pg.Client,
    chain: Chain,
    { count, firstBlock, detail }: NonNullable<Unhealed["ofLive"]>,
  ): Promise<void> {
    const { chainId } = chain;
    const { scopeOf } = this.#settings;
    const forgotten = await findForgotten(
      client,
      chainId,
      followedFactories(chain),
      provenAnnouncements(scopeOf(chain)),
    );
    const fromBlock = Math.min(firstBlock, forgotten?.firstBlock ?? firstBlock);
    const reason = `the witness found ${count} differences, the first in block ${firstBlock}: ${detail}`;
    await orderRepair(client, { chainId, fromBlock, reason });
    this.#say(
      "heal.ordered",
      `${reason}; everything from block ${fromBlock} on is asked for again`,
      chainId,
    );
  }

  async #replay(client: pg.Client, repairs: CacheRepair[], live: string): Promise<void> {
    const { env, signal, log, replay } = this.#settings;
    const acceptsFrom = Object.fromEntries(repairs.map((each) => [each.chainId, each.fromBlock]));
    const size = await sizeOfDeployment(client, live);
    log.info(
      { event: "heal.replay", acceptsFrom },
      `Building ${live} again beside it: it takes about ${size} of the database more until the old one is removed.`,
    );
    await recordAttempt(
      client,
      repairs.map(({ chainId }) => chainId),
    );
    const onLine = (text: string) => log.info({ event: "heal.replay" }, text);
    const code = await replay({ acceptsFrom, env, signal, onLine });
    if (code !== 0 && !signal.aborted)
      log.error({ event: "heal.replay-failed", code }, `The replay ended with ${code}.`);
  }

  #wait(chainId: number, what: string): "wait" {
    this.#say("heal.waits", what, chainId);
    return "wait";
  }

  #say(event: string, what: string, chainId: number): void {
    const text = `chain ${chainId}: ${what}.`;
    if (this.#isNew(chainId, text)) this.#settings.log.warn({ event }, text);
  }

  /** What lasts is said once. */
  #isNew(chainId: number, text: string): boolean {
    if (this.#said.get(chainId) === text) return false;
    this.#said.set(chainId, text);
    return true;
  }
}
