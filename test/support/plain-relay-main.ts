import { plainTable, runRelay } from "@escrow-stream/relay";
import { pino } from "pino";

/* A relay of a plain table in a process of its own, so that it can be killed. */

process.env.METADATA_SERVER_DETECTION = "none";
const [, , databaseUrl = "", emulatorHost = "", projectId = "", topic = ""] = process.argv;

await runRelay({
  config: {
    databaseUrl,
    pubsub: { projectId, emulatorHost },
    publications: [{ topic, finality: "finalized" }],
    createTopics: true,
    pollIntervalMs: 20,
    publishTimeoutMs: 400,
    inDoubtMarginMs: 200,
    leaseMs: 600,
    receiptsDelayMs: 300,
  },
  source: plainTable({ schema: "app", name: "outbox" }),
  log: pino({ level: process.env.LOG_LEVEL ?? "silent" }),
  signal: new AbortController().signal,
});
