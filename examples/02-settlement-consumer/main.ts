import { inTransaction, type Log, migrate, runConsumer } from "@escrow-stream/consumer";
import { PubSub } from "@google-cloud/pubsub";
import pg from "pg";
import { applyToLedger } from "./apply-to-ledger.ts";
import { ensureSubscription } from "./ensure-subscription.ts";
import { createLedgerTables } from "./ledger-tables.ts";
import { type Config, parseConfig } from "./parse-config.ts";

/** Keeps the settlement ledger until `signal`. */
async function keepLedger(config: Config, signal: AbortSignal): Promise<void> {
  const pool = new pg.Pool({ connectionString: config.databaseUrl, max: 8 });
  pool.on("error", (error) => log.warn({ err: error }, "an idle database connection was lost"));
  const pubsub = new PubSub({
    projectId: config.projectId,
    ...(config.emulatorHost ? { apiEndpoint: config.emulatorHost, emulatorMode: true } : {}),
  });
  try {
    await inTransaction(pool, async (tx) => {
      await migrate(tx, config);
      await createLedgerTables(tx, config.schema);
    });
    if (config.createSubscription) await ensureSubscription(pubsub, config);

    const consumer = runConsumer({
      name: config.consumerName,
      schema: config.schema,
      publication: { topic: config.topic, finality: config.finality },
      onEarly: config.onEarly,
      onDeadLetter: config.onDeadLetter,
      ...(config.deadLetterTopic ? { deadLetterTopic: config.deadLetterTopic } : {}),
      ...(config.feed ? { feed: config.feed } : {}),
      pubsub,
      subscription: config.subscription,
      pool,
      effect: (message, tx) => applyToLedger(message, tx, config.schema),
      signal,
      log,
    });
    const printStats = () => print({ stats: consumer.stats() });
    const timer = setInterval(printStats, config.statsIntervalMs);
    printStats();
    await consumer.done.finally(() => clearInterval(timer));
    printStats();
  } finally {
    await Promise.allSettled([pool.end(), pubsub.close()]);
  }
}

function print(line: Record<string, unknown>): void {
  const withErrors = (_: string, value: unknown) => (value instanceof Error ? value.stack : value);
  process.stdout.write(`${JSON.stringify(line, withErrors)}\n`);
}

const writeAt = (level: string) => (fields: Record<string, unknown>, message: string) =>
  print({ level, message, ...fields });
const log: Log = { info: writeAt("info"), warn: writeAt("warn"), error: writeAt("error") };

const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort());
try {
  await keepLedger(parseConfig(process.env), stop.signal);
  process.exit(0);
} catch (error) {
  log.error({ err: error }, "the settlement consumer ended");
  process.exit(1);
}
