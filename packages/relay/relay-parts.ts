import pg from "pg";
import type { Logger } from "pino";
import type { RelayConfig } from "./config.ts";
import { Receipts } from "./doubt/receipts.ts";
import { PubsubTopics } from "./publish/pubsub-topics.ts";

const POOL_SIZE = 12;

/** What the relay speaks to the outside through, for whoever wants to stand between. */
export type RelayParts = { pool: pg.Pool; topics: PubsubTopics; receipts: Receipts };

/** The parts that a configuration names. */
export function relayParts(
  { databaseUrl, pubsub, receiptsRetentionMs }: RelayConfig,
  log: Logger,
): RelayParts {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: POOL_SIZE,
    application_name: "relay",
    statement_timeout: 60_000,
  });
  pool.on("error", (error) =>
    log.warn({ event: "database.connection-lost", err: error }, "an idle connection was lost"),
  );
  // Lost while it is lent out, a connection fails its query; unheard, its event would end us.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return {
    pool,
    topics: new PubsubTopics(pubsub),
    receipts: new Receipts(pubsub, receiptsRetentionMs),
  };
}
