import "./load-env-file.ts";
import { pino } from "pino";
import { parseChains } from "../config/parse-chains.ts";
import { EXIT_RETRY, exitWith, parseProcessConfig } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { deploymentSchema } from "../engine/build-schema.ts";
import { checkEngine } from "../engine/check-engine.ts";
import { readIndexerOrder, waitForOtherDeployment } from "../engine/deployment/take-over.ts";
import { becomeBuilder, becomeIndexer, ENGINE_SHUTDOWN_MS } from "../engine/engine.ts";
import { ensureViews } from "../engine/ensure-views.ts";
import { checkChains } from "../engine/preflight/check-chains.ts";
import { checkFinalBlocks } from "../engine/preflight/check-final-blocks.ts";
import { recordCaughtUp, recordEngineStart } from "../engine/track-engine-start.ts";
import { freePort } from "../local/free-port.ts";
import { chainEvidence } from "../source/chain-evidence.ts";
import { guardEngine } from "../source/guard-engine.ts";
import { openSources } from "../source/open-sources.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";

/* `npm run indexer`: follows the chains and writes events, read models and outbox. */

try {
  endWithParent(ENGINE_SHUTDOWN_MS);
  checkEngine();
  const config = parseProcessConfig(process.env);
  const chains = parseChains(process.env);
  await checkDatabase(config.databaseUrl);
  await checkChains(chains, (text) => console.error(text));
  const build = await deploymentSchema();
  const { schema, takeOver } = await readIndexerOrder(config.databaseUrl, build);
  // Whoever supervises this process can release the engine's lock when it is gone.
  process.send?.({ schema });
  const log = pino({ name: "source", level: process.env.LOG_LEVEL || "info" });
  const sources = openSources(chains, (event, text) => log.warn({ event }, text));
  await checkFinalBlocks(config.databaseUrl, schema, chainEvidence(sources));
  const before = await recordEngineStart(config.databaseUrl, schema);
  void recordCaughtUp(config.databaseUrl, schema, before);
  void ensureViews(config.databaseUrl, schema, new AbortController().signal).catch(exitWith);
  takeOver?.().then(
    () => console.error(`The views show the replayed deployment ${schema} now.`),
    exitWith,
  );
  void waitForOtherDeployment(config.databaseUrl, build, schema).then((other) => {
    console.error(`Starting again, to go on with deployment ${other}.`);
    process.exit(EXIT_RETRY);
  });
  await guardEngine(sources, process.env);
  // Until it is as far as the live deployment, nobody may read the one that takes over.
  const become = takeOver === null ? becomeIndexer : becomeBuilder;
  await become(schema, {
    port: config.indexerPort || (await freePort()),
    hostname: "127.0.0.1",
    logFormat: process.stdout.isTTY ? "pretty" : "json",
  });
} catch (error) {
  exitWith(error);
}
