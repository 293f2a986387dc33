import "./load-env-file.ts";
import { parseRelayConfig, runRelay } from "@escrow-stream/relay";
import { pino } from "pino";
import { namesNoChain, parseChains } from "../config/parse-chains.ts";
import { EXIT_RETRY, exitWith } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { ponderOutbox } from "../engine/outbox-source.ts";
import { chainEvidence } from "../source/chain-evidence.ts";
import { openSources } from "../source/open-sources.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";

/* `npm run relay`: takes events from the outbox and publishes them to Pub/Sub. */

// With an emulator the client library would still look for Google's metadata server for seconds.
if (process.env.PUBSUB_EMULATOR_HOST) process.env.METADATA_SERVER_DETECTION ??= "none";

/** Longer than one publish request may live, so that its answer can still be recorded. */
const SHUTDOWN_MARGIN_MS = 5_000;

try {
  endWithParent();
  const config = parseRelayConfig(process.env);
  const log = pino({ name: "relay", level: process.env.LOG_LEVEL ?? "info" });
  await checkDatabase(config.databaseUrl);
  const evidence = namesNoChain(process.env)
    ? undefined
    : chainEvidence(
        openSources(parseChains(process.env), (event, text) => log.warn({ event }, text)),
      );
  if (evidence === undefined)
    log.warn(
      { event: "evidence.none" },
      "no RPC endpoint is configured: events that a reorg dropped cannot be retracted",
    );
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => {
      log.info({ event: "relay.stopping", signal }, "stopping: letting what is in flight finish");
      stop.abort();
      setTimeout(() => {
        log.error(
          { event: "relay.cut-off" },
          "what was in flight did not finish in time; it is recorded as in doubt",
        );
        process.exit(EXIT_RETRY);
      }, config.publishTimeoutMs + SHUTDOWN_MARGIN_MS).unref();
    });
  await runRelay({
    config,
    source: ponderOutbox({ ...(evidence === undefined ? {} : { evidence }) }),
    log,
    signal: stop.signal,
    onListening: (port) =>
      log.info(
        { event: "relay.started", port, publications: config.publications },
        "relay started",
      ),
  });
  log.info({ event: "relay.stopped" }, "relay stopped");
  process.exit(0);
} catch (error) {
  exitWith(error);
}
