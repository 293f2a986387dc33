import "./load-env-file.ts";
import { parseChains } from "../config/parse-chains.ts";
import { freePort } from "../local/free-port.ts";
import { endWithParent } from "./end-with-parent.ts";
import { becomeApi, ENGINE_SHUTDOWN_MS } from "./engine.ts";
import { ensureEngineStarts } from "./engine-start.ts";
import { waitForViews } from "./ensure-views.ts";
import { checkDatabase } from "./preflight/check-database.ts";
import { exitWith, parseProcessConfig } from "./process-config.ts";

/* `npm run api`: GraphQL, SQL over HTTP and REST on the stable views. */

try {
  endWithParent(ENGINE_SHUTDOWN_MS);
  const config = parseProcessConfig(process.env);
  parseChains(process.env);
  await checkDatabase(config.databaseUrl);
  // Until an indexer has made its tables there is nothing to read.
  await ensureEngineStarts(config.databaseUrl);
  await waitForViews(config.databaseUrl, new AbortController().signal);
  await becomeApi({
    port: config.apiPort || (await freePort()),
    hostname: config.apiHost,
    logFormat: process.stdout.isTTY ? "pretty" : "json",
  });
} catch (error) {
  exitWith(error);
}
