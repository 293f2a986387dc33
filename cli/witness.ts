import { pino } from "pino";
import { finalRequiresSection } from "../config/final-requires.ts";
import { chainSection } from "../config/parse-chains.ts";
import {
  databaseSection,
  healSection,
  logSection,
  witnessSection,
} from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { deploymentSchema } from "../engine/build-schema.ts";
import { checkPorts } from "../local/check-ports.ts";
import { runReplayProcess } from "../proof/heal/replay-process.ts";
import { runHealing } from "../proof/heal/run-healing.ts";
import { runWitness } from "../proof/witness/run-witness.ts";
import { scopeOf } from "../proof/witness/scope-of.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";
import { abortOnSignal } from "./abort-on-signal.ts";
import { defineCommand } from "./command.ts";
import { runProcess } from "./run-command.ts";

export const witness = defineCommand({
  name: "witness",
  says: `Proves block by block what the chain logged, compares it with the event store, and keeps how far that is verified: the final publication ends there. Where the two differ it has the cache asked again and replays. Runs until it is stopped; any number of them may.`,
  options: {},
  config: {
    databaseUrl: databaseSection,
    chains: chainSection,
    finalRequires: finalRequiresSection,
    listening: witnessSection,
    logLevel: logSection,
    heals: healSection,
  },
  run: async ({ config, env }) => {
    const { databaseUrl, chains, finalRequires, listening, logLevel, heals } = config;
    endWithParent();
    const log = pino({ name: "witness", level: logLevel });
    await checkPorts([{ variable: "WITNESS_PORT", ...listening }]);
    await checkDatabase(databaseUrl);
    const signal = abortOnSignal();
    const witnessing = runWitness({
      ...{ databaseUrl, chains, finalRequires, listening, log, signal },
      onListening: (port) => log.info({ event: "witness.started", port }, "witness started"),
    });
    if (!heals)
      log.warn({ event: "heal.off" }, "WITNESS_HEALS=false: what is found waits for npm run heal");
    const how = { build: deploymentSchema, scopeOf, replay: runReplayProcess, log, signal };
    const healing = heals ? runHealing({ databaseUrl, chains, env, ...how }, "aborted") : null;
    await Promise.all([witnessing, healing]);
    log.info({ event: "witness.stopped" }, "witness stopped");
    return 0;
  },
});

if (import.meta.main) await runProcess(witness);
