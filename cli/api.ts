import { chainSection } from "../config/parse-chains.ts";
import { apiSection, databaseSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { checkEngine } from "../engine/check-engine.ts";
import { becomeApi, ENGINE_SHUTDOWN_MS } from "../engine/engine.ts";
import { ensureReadableProgress } from "../engine/ensure-progress-view.ts";
import { waitForViews } from "../engine/ensure-views.ts";
import { checkPorts } from "../local/check-ports.ts";
import { freePort } from "../local/free-port.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";
import { defineCommand } from "./command.ts";
import { processLog } from "./process-log.ts";
import { runProcess } from "./run-command.ts";

export const api = defineCommand({
  name: "api",
  says: `GraphQL and REST on the stable views. Runs until it is stopped; any number of them may.`,
  options: {},
  // The engine builds its schema from the chains, also when it only reads.
  config: { databaseUrl: databaseSection, chains: chainSection, listening: apiSection },
  run: async ({ config: { databaseUrl, listening } }) => {
    endWithParent(ENGINE_SHUTDOWN_MS);
    const log = processLog("api");
    checkEngine();
    await checkPorts([{ variable: "API_PORT", ...listening }]);
    await checkDatabase(databaseUrl);
    // Until an indexer has made its tables there is nothing to read.
    await ensureReadableProgress(databaseUrl);
    log.info({ event: "api.waiting" }, "Waiting for the views that an indexer makes.");
    await waitForViews(databaseUrl, new AbortController().signal);
    const port = listening.port || (await freePort());
    log.info({ event: "api.starting", port }, `Serving on http://${listening.hostname}:${port}`);
    await becomeApi({
      port,
      hostname: listening.hostname,
      logFormat: process.stdout.isTTY ? "pretty" : "json",
    });
    return undefined;
  },
});

if (import.meta.main) await runProcess(api);
