import { pino } from "pino";
import { finalRequiresSection } from "../config/final-requires.ts";
import { chainSection } from "../config/parse-chains.ts";
import { databaseSection, logSection, witnessSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { checkPorts } from "../local/check-ports.ts";
import { runWitness } from "../proof/witness/run-witness.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";
import { abortOnSignal } from "./abort-on-signal.ts";
import { defineCommand } from "./command.ts";
import { runProcess } from "./run-command.ts";

export const witness = defineCommand({
  name: "witness",
  says: `Proves block by block what the chain logged, compares it with the event store, and keeps how far that is verified: the final publication ends there. Runs until it is stopped; any number of them may.`,
  options: {},
  config: {
    databaseUrl: databaseSection,
    chains: chainSection,
    finalRequires: finalRequiresSection,
    listening: witnessSection,
    logLevel: logSection,
  },
  run: async ({ config: { databaseUrl, chains, finalRequires, listening, logLevel } }) => {
    endWithParent();
    const log = pino({ name: "witness", level: logLevel });
    await checkPorts([{ variable: "WITNESS_PORT", ...listening }]);
    await checkDatabase(databaseUrl);
    await runWitness({
      ...{ databaseUrl, chains, finalRequires, listening, log, signal: abortOnSignal() },
      onListening: (port) => log.info({ event: "witness.started", port }, "witness started"),
    });
    log.info({ event: "witness.stopped" }, "witness stopped");
    return 0;
  },
});

if (import.meta.main) await runProcess(witness);
