import type { PublicationConfig } from "./journal/publication.ts";
import type { PubsubConfig } from "./publish/pubsub-endpoint.ts";

/** All that a relay is told. Whoever runs one says where these come from. */
export type RelayConfig = {
  databaseUrl: string;
  pubsub: PubsubConfig;
  publications: PublicationConfig[];
  /** Create topics that do not exist. */
  createTopics: boolean;
  /** Port of `/health`, `/ready`, `/status`, `/metrics`; 0 lets the system choose. */
  port: number;
  hostname: string;
  pollIntervalMs: number;
  /** Longest life of one publish request, from its claim on. */
  publishTimeoutMs: number;
  /** How much longer than that a request may still be accepted: what the network holds back. */
  inDoubtMarginMs: number;
  /** How long a dead instance keeps its partitions. */
  leaseMs: number;
  /** How long receipts are kept, for a journal that is restored from a backup. */
  receiptsRetentionMs: number;
  /** For so long receipts that are read again may come late. */
  receiptsDelayMs: number;
  /** How far apart the two looks are that a halt for a replaced final block, and its end, stand on. */
  haltLooksApartMs: number;
};
