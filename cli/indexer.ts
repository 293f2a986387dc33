import { EXIT_RETRY } from "../config/error-catalogue.ts";
import { exitWith } from "../config/exit-with.ts";
import { chainSection } from "../config/parse-chains.ts";
import { databaseSection, indexerSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { watchReaders } from "../db/roles/watch-readers.ts";
import { withClient } from "../db/with-client.ts";
import { deploymentSchema } from "../engine/build-schema.ts";
import { checkEngine } from "../engine/check-engine.ts";
import {
  chooseDeployment,
  waitForOtherDeployment,
} from "../engine/deployment/choose-deployment.ts";
import { describeViews } from "../engine/describe-views.ts";
import { becomeBuilder, becomeIndexer, ENGINE_SHUTDOWN_MS } from "../engine/engine.ts";
import { ensureViews } from "../engine/ensure-views.ts";
import { checkChains } from "../engine/preflight/check-chains.ts";
import { checkFinalBlocks } from "../engine/preflight/check-final-blocks.ts";
import { missingStates } from "../engine/preflight/missing-states.ts";
import { recordCaughtUp, recordEngineStart } from "../engine/track-engine-start.ts";
import { ensureWitnessTables } from "../engine/witness-tables.ts";
import { checkPorts } from "../local/check-ports.ts";
import { freePort } from "../local/free-port.ts";
import { chainEvidence } from "../source/chain-evidence.ts";
import { guardEngine } from "../source/guard-engine.ts";
import { openSources } from "../source/open-sources.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";
import { defineCommand } from "./command.ts";
import { processLog } from "./process-log.ts";
import { runProcess } from "./run-command.ts";
import { useCache } from "./use-cache.ts";

export const indexer = defineCommand({
  name: "indexer",
  says: `Follows the chains and writes events, read models and outbox. Runs until it is stopped; a second one on the same build waits for the first.`,
  options: {},
  config: { databaseUrl: databaseSection, chains: chainSection, listening: indexerSection },
  run: async ({ config: { databaseUrl, chains, listening }, env }) => {
    endWithParent(ENGINE_SHUTDOWN_MS);
    const log = processLog("indexer");
    checkEngine();
    await checkPorts([{ variable: "INDEXER_PORT", ...listening }]);
    await checkDatabase(databaseUrl);
    const say = (event: string, text: string) => log.warn({ event }, text);
    const forever = new AbortController().signal;
    void watchReaders({ databaseUrl, log, signal: forever });
    const sources = openSources(chains, say);
    await checkChains(chains, sources, (text) => say("rpc.endpoint-silent", text));
    // Nothing is lost by it: the source tells those arbiters in another way.
    for (const text of await missingStates(chains)) log.info({ event: "rpc.no-state" }, text);
    const build = await deploymentSchema();
    const { schema, takeOver } = await chooseDeployment(databaseUrl, build);
    // Whoever supervises this process can release the engine's lock when it is gone.
    process.send?.({ schema });
    await checkFinalBlocks(databaseUrl, schema, chainEvidence(sources));
    await useCache(databaseUrl, schema, chains, log);
    // Whoever reads them may not be allowed to make them.
    await withClient(databaseUrl, ensureWitnessTables);
    const before = await recordEngineStart(databaseUrl, schema);
    void recordCaughtUp(databaseUrl, schema, before);
    void ensureViews(databaseUrl, schema, forever).catch(exitWith);
    void describeViews(databaseUrl, schema, forever);
    takeOver?.().then(
      () =>
        log.info(
          { event: "deployment.taken-over", schema },
          `The views show the replayed deployment ${schema} now.`,
        ),
      exitWith,
    );
    void waitForOtherDeployment(databaseUrl, build, schema).then((other) => {
      log.info(
        { event: "deployment.replaced", schema: other },
        `Starting again, to go on with deployment ${other}.`,
      );
      process.exit(EXIT_RETRY);
    });
    log.info({ event: "indexer.starting", schema }, `Indexing into deployment ${schema}.`);
    const enginePort = await freePort();
    const http = { ...listening, enginePort };
    const httpPort = await guardEngine(chains, { env, http, say, onEnded: exitWith });
    log.info(
      { event: "indexer.listening", port: httpPort },
      `Serving /status on http://${listening.hostname}:${httpPort}`,
    );
    // Until it is as far as the live deployment, nobody may read the one that takes over.
    const become = takeOver === null ? becomeIndexer : becomeBuilder;
    await become(schema, {
      port: enginePort,
      hostname: "127.0.0.1",
      logFormat: process.stdout.isTTY ? "pretty" : "json",
    });
    return undefined;
  },
});

if (import.meta.main) await runProcess(indexer);
