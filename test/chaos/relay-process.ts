import { relayParts, runRelay } from "@escrow-stream/relay";
import { pino } from "pino";
import { parseRelayConfig } from "../../config/relay-config.ts";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import { becomeFaultTarget } from "./fault-target.ts";
import { instrumentPubsub } from "./instrument-pubsub.ts";

/* The relay as `npm run relay` runs it, in a process that can be told to harm itself. */

const config = parseRelayConfig(process.env);
const log = pino({ level: process.env.LOG_LEVEL ?? "warn", base: { pid: process.pid } });
const parts = relayParts(config, log);
instrumentPubsub(parts, becomeFaultTarget(parts.pool));
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
try {
  await runRelay({ config, source: ponderOutbox(), log, signal: stop.signal, parts });
  process.exit(0);
} catch (error) {
  log.error({ err: error }, "the relay ended");
  process.exit(1);
}
