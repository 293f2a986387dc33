import { inTransaction, migrate, type RunningConsumer, runConsumer } from "@escrow-stream/consumer";
import type { PubSub } from "@google-cloud/pubsub";
import type pg from "pg";
import { applyToLedger } from "../../examples/02-settlement-consumer/apply-to-ledger.ts";
import { createLedgerTables } from "../../examples/02-settlement-consumer/ledger-tables.ts";
import { LATEST_TOPIC } from "../support/test-world.ts";

export const LEDGER_SCHEMA = "settlement_ledger";

/** The example's ledger, fed by the consumer library from the topic with retractions on it. */
export class ForkLedger {
  readonly #pool: pg.Pool;
  readonly #pubsub: PubSub;
  readonly #subscription: string;
  readonly #stop = new AbortController();
  #consumer: RunningConsumer | null = null;

  constructor(pool: pg.Pool, pubsub: PubSub, subscription: string) {
    this.#pool = pool;
    this.#pubsub = pubsub;
    this.#subscription = subscription;
  }

  get deadLetters(): number {
    return this.#consumer?.stats().deadLetters ?? 0;
  }

  async start(): Promise<void> {
    await inTransaction(this.#pool, async (tx) => {
      await migrate(tx, { schema: LEDGER_SCHEMA });
      await createLedgerTables(tx, LEDGER_SCHEMA);
    });
    this.#consumer = runConsumer({
      name: "ledger",
      schema: LEDGER_SCHEMA,
      publication: { topic: LATEST_TOPIC, finality: "provisional" },
      onEarly: "park",
      pubsub: this.#pubsub,
      subscription: this.#subscription,
      pool: this.#pool,
      effect: (message, tx) => applyToLedger(message, tx, LEDGER_SCHEMA),
      shutdownTimeoutMs: 3_000,
      signal: this.#stop.signal,
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#consumer?.done;
  }

  /** How many messages it has applied. */
  async applied(): Promise<number> {
    const { rows } = await this.#pool.query(
      `select count(*)::int as applied from ${LEDGER_SCHEMA}.applied_message`,
    );
    return rows[0]?.applied ?? 0;
  }
}
