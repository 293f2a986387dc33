import "./load-env-file.ts";
import { deploymentSchema } from "../config/deployment-schema.ts";
import { parseChains } from "../config/parse-chains.ts";
import { freePort } from "../local/free-port.ts";
import { endWithParent } from "./end-with-parent.ts";
import { becomeIndexer, ENGINE_SHUTDOWN_MS } from "./engine.ts";
import { recordEngineSettled, recordEngineStart } from "./engine-start.ts";
import { ensureViews } from "./ensure-views.ts";
import { mendEngine } from "./mend-engine.ts";
import { checkChains } from "./preflight/check-chains.ts";
import { checkDatabase } from "./preflight/check-database.ts";
import { checkFinalBlocks } from "./preflight/check-final-blocks.ts";
import { exitWith, parseProcessConfig } from "./process-config.ts";

/* `npm run indexer`: follows the chains and writes events, read models and outbox. */

try {
  endWithParent(ENGINE_SHUTDOWN_MS);
  const config = parseProcessConfig(process.env);
  const chains = parseChains(process.env);
  await checkDatabase(config.databaseUrl);
  await checkChains(chains, (text) => console.error(text));
  const schema = await deploymentSchema();
  // Whoever supervises this process can release the engine's lock when it is gone.
  process.send?.({ schema });
  await checkFinalBlocks(config.databaseUrl, schema, chains);
  const before = await recordEngineStart(config.databaseUrl, schema);
  void recordEngineSettled(config.databaseUrl, schema, before);
  void ensureViews(config.databaseUrl, schema, new AbortController().signal).catch(exitWith);
  mendEngine();
  await becomeIndexer(schema, {
    port: config.indexerPort || (await freePort()),
    hostname: "127.0.0.1",
    logFormat: process.stdout.isTTY ? "pretty" : "json",
  });
} catch (error) {
  exitWith(error);
}
