import { runRelay } from "@escrow-stream/relay";
import { pino } from "pino";
import { exitCodeOf } from "../config/error-catalogue.ts";
import { finalRequiresSection } from "../config/final-requires.ts";
import { optionalChainSection } from "../config/parse-chains.ts";
import { logSection } from "../config/process-config.ts";
import { relayDatabaseVariable, relaySection } from "../config/relay-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { watchReaders } from "../db/roles/watch-readers.ts";
import { finalGate, hasGate } from "../engine/final-gate.ts";
import { ponderOutbox } from "../engine/outbox-source.ts";
import { ensureReadableWitness } from "../engine/witness-tables.ts";
import { checkPorts } from "../local/check-ports.ts";
import { chainEvidence } from "../source/chain-evidence.ts";
import { openSources } from "../source/open-sources.ts";
import { endWithParent } from "../supervisor/end-with-parent.ts";
import { defineCommand } from "./command.ts";
import { runProcess } from "./run-command.ts";

/** Longer than one publish request may live, so that its answer can still be recorded. */
const SHUTDOWN_MARGIN_MS = 5_000;

export const relay = defineCommand({
  name: "relay",
  says: `Takes events from the outbox and publishes them to Pub/Sub. Runs until it is stopped; any number of them may.`,
  options: {},
  config: {
    relay: relaySection,
    chains: optionalChainSection,
    finalRequires: finalRequiresSection,
    logLevel: logSection,
  },
  run: async ({ config: { relay: config, chains, finalRequires, logLevel }, env }) => {
    endWithParent();
    const log = pino({ name: "relay", level: logLevel });
    await checkPorts([{ variable: "RELAY_PORT", ...config }]);
    await checkDatabase(config.databaseUrl, { variable: relayDatabaseVariable(env), use: "relay" });
    const gate = finalGate(finalRequires);
    if (hasGate(gate)) await ensureReadableWitness(config.databaseUrl);
    if (chains === null)
      log.warn(
        { event: "evidence.none" },
        "no RPC endpoint is configured: events that a reorg dropped cannot be retracted",
      );
    const say = (event: string, text: string) => log.warn({ event }, text);
    const evidence = chains === null ? undefined : chainEvidence(openSources(chains, say));
    const stop = new AbortController();
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.once(signal, () => {
        log.info({ event: "relay.stopping", signal }, "stopping: letting what is in flight finish");
        stop.abort();
        setTimeout(() => {
          const code = "ES-STOP-TIMEOUT";
          log.error(
            { event: "relay.cut-off", code },
            "what was in flight did not finish in time; it is recorded as in doubt",
          );
          process.exit(exitCodeOf(code));
        }, config.publishTimeoutMs + SHUTDOWN_MARGIN_MS).unref();
      });
    const { publications } = config;
    const watching = watchReaders({ databaseUrl: config.databaseUrl, log, signal: stop.signal });
    await runRelay({
      ...{ config, log, signal: stop.signal },
      source: ponderOutbox({ gate, ...(evidence === undefined ? {} : { evidence }) }),
      onListening: (port) =>
        log.info({ event: "relay.started", port, publications }, "relay started"),
    });
    await watching;
    log.info({ event: "relay.stopped" }, "relay stopped");
    return 0;
  },
});

if (import.meta.main) await runProcess(relay);
