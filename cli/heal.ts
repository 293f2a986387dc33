import { EXIT_NEGATIVE, EXIT_RETRY } from "../config/error-catalogue.ts";
import { chainSection } from "../config/parse-chains.ts";
import { databaseSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { withClient } from "../db/with-client.ts";
import { deploymentSchema } from "../engine/build-schema.ts";
import { ensureCacheRepairs, forgetAttempts, orderRepair } from "../engine/cache/cache-repair.ts";
import { runReplayProcess } from "../proof/heal/replay-process.ts";
import { runHealing } from "../proof/heal/run-healing.ts";
import { parseBlocks } from "../proof/replay/replay-options.ts";
import { scopeOf } from "../proof/witness/scope-of.ts";
import { abortOnSignal } from "./abort-on-signal.ts";
import { defineCommand } from "./command.ts";
import { repeated } from "./command-option.ts";
import { processLog } from "./process-log.ts";
import { runProcess } from "./run-command.ts";

export const heal = defineCommand({
  name: "heal",
  says: `Heals the live deployment where it differs from the chain: waits until the indexer has asked again for what the cache of RPC answers lacks, and replays when the deployment lacks it too. Does what the witness does by itself, once, and however often that was tried before. The indexer has to run.`,
  options: {
    "from-block": repeated(
      "<n>",
      "ask again for everything from this block on, whatever is found; with several chains <chain id>:<block>",
    ),
  },
  config: { databaseUrl: databaseSection, chains: chainSection },
  dataDir: "finds",
  exits1When: "the two still differ after several replays",
  run: async ({ options, config: { databaseUrl, chains }, env }) => {
    const chainIds = chains.map(({ chainId }) => chainId);
    const fromBlocks = parseBlocks("--from-block", options["from-block"], chainIds) ?? {};
    await checkDatabase(databaseUrl);
    await withClient(databaseUrl, async (client) => {
      await ensureCacheRepairs(client);
      await forgetAttempts(client, chainIds);
      for (const [chainId, fromBlock] of Object.entries(fromBlocks))
        await orderRepair(client, {
          ...{ chainId: Number(chainId), fromBlock },
          reason: "an operator asked for it",
        });
    });
    const [log, signal] = [processLog("heal"), abortOnSignal()];
    const how = { scopeOf, replay: runReplayProcess, log, signal };
    const settings = { databaseUrl, chains, build: deploymentSchema, env, ...how };
    const state = await runHealing(settings, "clear-or-stuck");
    if (state === "clear") log.info({ event: "heal.clear" }, "There is nothing to heal.");
    return { clear: 0, stuck: EXIT_NEGATIVE, "under-way": EXIT_RETRY }[state];
  },
});

if (import.meta.main) await runProcess(heal);
