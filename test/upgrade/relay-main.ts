import { plainTable, runRelay } from "@escrow-stream/relay";
import { pino } from "pino";

/* A relay of a plain table in a process of its own: of now, or, copied to where it is installed, of before. */

process.env.METADATA_SERVER_DETECTION = "none";
const [, , databaseUrl = "", emulatorHost = "", projectId = "", topic = ""] = process.argv;

await runRelay({
  config: {
    databaseUrl,
    pubsub: { projectId, emulatorHost },
    publications: [{ topic, finality: "finalized" }],
    createTopics: true,
    pollIntervalMs: 100,
    publishTimeoutMs: 5_000,
    inDoubtMarginMs: 500,
    leaseMs: 2_000,
    receiptsDelayMs: 300,
  },
  source: plainTable({ schema: "app", name: "outbox" }),
  log: pino({ level: process.env.LOG_LEVEL ?? "silent" }),
  signal: new AbortController().signal,
});
