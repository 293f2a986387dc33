import type { Kysely } from "kysely";
import type { Logger } from "pino";
import type { Backoff } from "../backoff.ts";
import type { Publication } from "../journal/publication.ts";
import type { LeaseKeeper } from "../leases/lease-keeper.ts";
import type { RelayMetrics } from "../serve/metrics.ts";
import type { Batch } from "./progress.ts";

/** How batches reach Pub/Sub. */
export type Transport = {
  /** Sends one request that lives at most `timeoutMs`; resolves when it is accepted. */
  send(batch: Batch, timeoutMs: number): Promise<void>;
  /** Makes sure, after the topic refused us, that what is published next leaves receipts. */
  recheckTopic(): Promise<unknown>;
};

export type PublishLoopOptions = {
  db: Kysely<unknown>;
  publication: Publication;
  leases: LeaseKeeper;
  transport: Transport;
  /** A key is in doubt: nobody knows how its request ended. */
  onDoubt: () => void;
  log: Logger;
  metrics: RelayMetrics;
  /** Publish requests in flight, at the most; each is of another key. */
  maxRequests: number;
  /** Messages claimed and without an answer, at the most: the bound of the relay's memory. */
  maxMessages: number;
  /** Longest life of a request, from its claim on. */
  publishTimeoutMs: number;
  /** How often to look although nothing woke us: another instance may have resolved a doubt. */
  pollIntervalMs: number;
  backoff: Backoff;
};
