import type pg from "pg";
import type { Logger } from "pino";
import type { RelayConfig } from "./config.ts";
import { Receipts } from "./doubt/receipts.ts";
import { PubsubTopics } from "./publish/pubsub-topics.ts";
import { openRelayPool } from "./relay-pool.ts";

/** What the relay speaks to the outside through, for whoever wants to stand between. */
export type RelayParts = { pool: pg.Pool; topics: PubsubTopics; receipts: Receipts };

/** The parts that a configuration names. */
export function relayParts(
  { databaseUrl, pubsub, receiptsRetentionMs }: RelayConfig,
  log: Logger,
): RelayParts {
  return {
    pool: openRelayPool(databaseUrl, log),
    topics: new PubsubTopics(pubsub),
    receipts: new Receipts(pubsub, receiptsRetentionMs),
  };
}
