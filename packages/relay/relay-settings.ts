import type { RelayConfig } from "./config.ts";

/** What a relay has to be given, and what it may be. */
export type RelaySettings = Pick<RelayConfig, "databaseUrl" | "pubsub" | "publications"> &
  Partial<RelayConfig>;

const HOUR_MS = 3_600_000;
/** Seeking back takes up to a minute on Google Cloud; an emulator does it at once. */
const RECEIPTS_DELAY_MS = { cloud: 60_000, emulator: 1_000 };

/** The configuration of a relay, with what was not given as for production. */
export function completeSettings(settings: RelaySettings): RelayConfig {
  const where = settings.pubsub.emulatorHost === undefined ? "cloud" : "emulator";
  return {
    createTopics: false,
    port: 0,
    hostname: "127.0.0.1",
    pollIntervalMs: 500,
    publishTimeoutMs: 10_000,
    inDoubtMarginMs: 5_000,
    leaseMs: 10_000,
    receiptsRetentionMs: 168 * HOUR_MS,
    receiptsDelayMs: RECEIPTS_DELAY_MS[where],
    haltLooksApartMs: 20_000,
    ...settings,
  };
}
