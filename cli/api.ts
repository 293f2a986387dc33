import "./load-env-file.ts";
import { parseChains } from "../config/parse-chains.ts";
import { exitWith, parseProcessConfig } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { checkEngine } from "../engine/check-engine.ts";
import { becomeApi, ENGINE_SHUTDOWN_MS } from "../engine/engine.ts";
import { ensureReadableProgress } from "../engine/ensure-progress-view.ts";
import { waitForViews } from "../engine/ensure-views.ts";
import { freePort } from "../local/free-port.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";

/* `npm run api`: GraphQL and REST on the stable views. */

try {
  endWithParent(ENGINE_SHUTDOWN_MS);
  checkEngine();
  const config = parseProcessConfig(process.env);
  parseChains(process.env);
  await checkDatabase(config.databaseUrl);
  // Until an indexer has made its tables there is nothing to read.
  await ensureReadableProgress(config.databaseUrl);
  await waitForViews(config.databaseUrl, new AbortController().signal);
  await becomeApi({
    port: config.apiPort || (await freePort()),
    hostname: config.apiHost,
    logFormat: process.stdout.isTTY ? "pretty" : "json",
  });
} catch (error) {
  exitWith(error);
}
