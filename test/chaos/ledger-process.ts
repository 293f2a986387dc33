import { inTransaction, migrate, runConsumer } from "@escrow-stream/consumer";
import { PubSub } from "@google-cloud/pubsub";
import pg from "pg";
import { pino } from "pino";
import { applyToLedger } from "../../examples/02-settlement-consumer/apply-to-ledger.ts";
import { createLedgerTables } from "../../examples/02-settlement-consumer/ledger-tables.ts";
import { becomeFaultTarget } from "./fault-target.ts";
import { FINAL_TOPIC, LEDGER_SCHEMA, PROJECT } from "./settings.ts";

/* The example consumer's ledger, in a process that can be told to harm itself. */

const log = pino({ level: process.env.LOG_LEVEL ?? "warn", base: { pid: process.pid } });
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
pool.on("error", (error) => log.warn({ err: error }, "an idle database connection was lost"));
becomeFaultTarget(pool);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
try {
  await inTransaction(pool, async (tx) => {
    await migrate(tx, { schema: LEDGER_SCHEMA });
    await createLedgerTables(tx, LEDGER_SCHEMA);
  });
  const consumer = runConsumer({
    name: "ledger",
    schema: LEDGER_SCHEMA,
    publication: { topic: FINAL_TOPIC, finality: "final" },
    onEarly: process.env.ON_EARLY === "park" ? "park" : "nack",
    pubsub: new PubSub({
      projectId: PROJECT,
      apiEndpoint: process.env.PUBSUB_EMULATOR_HOST ?? "",
      emulatorMode: true,
    }),
    subscription: process.env.SUBSCRIPTION ?? "",
    pool,
    effect: (message, tx) => applyToLedger(message, tx, LEDGER_SCHEMA),
    ackDeadlineSeconds: 10,
    sweepIntervalMs: 1_000,
    shutdownTimeoutMs: 3_000,
    signal: stop.signal,
    log,
  });
  await consumer.done;
  process.exit(0);
} catch (error) {
  log.error({ err: error }, "the ledger ended");
  process.exit(1);
}
