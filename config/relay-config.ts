import type { PubsubConfig, RelayConfig } from "@escrow-stream/relay";
import { type Env, type Section, section, type VariableReader } from "./section.ts";

const HOUR_MS = 3_600_000;
/** Seeking back takes up to a minute on Google Cloud; an emulator does it at once. */
const RECEIPTS_MAY_BE_LATE_MS = { cloud: 60_000, emulator: 1_000 };
/** The second of the default publications: events that are not final yet. */
const DEFAULT_LATEST_TOPIC = "chain.events.v1";

type PubsubVariable = "PUBSUB_PROJECT_ID" | "PUBSUB_EMULATOR_HOST" | "PUBSUB_REGION";

/** Everything that the relay is told. */
export const relaySection: Section<RelayConfig> = section(
  [
    ...(["RELAY_DATABASE_URL", "DATABASE_URL"] as const),
    ...(["PUBSUB_PROJECT_ID", "PUBSUB_EMULATOR_HOST", "PUBSUB_REGION"] as const),
    ...(["PUBSUB_TOPIC_ID", "PUBLICATIONS", "PUBSUB_CREATE"] as const),
    ...(["PUBSUB_PUBLISH_TIMEOUT_MS", "RELAY_POLL_INTERVAL_MS", "RELAY_LEASE_MS"] as const),
    ...(["RELAY_IN_DOUBT_MARGIN_MS", "RELAY_RECEIPTS_RETENTION_HOURS"] as const),
    ...(["RELAY_RECEIPTS_DELAY_MS", "RELAY_HALT_LOOKS_APART_MS"] as const),
    ...(["RELAY_PORT", "RELAY_HOST"] as const),
  ],
  (read) => {
    const databaseUrl = read.get("RELAY_DATABASE_URL") ?? read.get("DATABASE_URL");
    const pubsub = pubsubOf(read);
    const finalTopic = read.get("PUBSUB_TOPIC_ID");
    if (finalTopic === DEFAULT_LATEST_TOPIC && !read.isSet("PUBLICATIONS"))
      read.problem(
        "PUBSUB_TOPIC_ID",
        `${DEFAULT_LATEST_TOPIC} is the topic of events that are not final yet: name another, or set PUBLICATIONS`,
      );
    return {
      databaseUrl,
      pubsub,
      publications: read.get("PUBLICATIONS") ?? [
        { topic: finalTopic, finality: "finalized" },
        { topic: DEFAULT_LATEST_TOPIC, finality: "latest" },
      ],
      createTopics: read.get("PUBSUB_CREATE"),
      port: read.get("RELAY_PORT"),
      hostname: read.get("RELAY_HOST"),
      pollIntervalMs: read.get("RELAY_POLL_INTERVAL_MS"),
      publishTimeoutMs: read.get("PUBSUB_PUBLISH_TIMEOUT_MS"),
      inDoubtMarginMs: read.get("RELAY_IN_DOUBT_MARGIN_MS"),
      leaseMs: read.get("RELAY_LEASE_MS"),
      receiptsRetentionMs: read.get("RELAY_RECEIPTS_RETENTION_HOURS") * HOUR_MS,
      haltLooksApartMs: read.get("RELAY_HALT_LOOKS_APART_MS"),
      receiptsDelayMs:
        read.get("RELAY_RECEIPTS_DELAY_MS") ??
        (pubsub.emulatorHost ? RECEIPTS_MAY_BE_LATE_MS.emulator : RECEIPTS_MAY_BE_LATE_MS.cloud),
    };
  },
);

/** Which variable says where the relay's database is. */
export function relayDatabaseVariable(env: Env): "RELAY_DATABASE_URL" | "DATABASE_URL" {
  return env.RELAY_DATABASE_URL ? "RELAY_DATABASE_URL" : "DATABASE_URL";
}

/** Where Pub/Sub is; null when it is not configured. */
export const optionalPubsubSection: Section<PubsubConfig | null> = section(
  ["PUBSUB_PROJECT_ID", "PUBSUB_EMULATOR_HOST", "PUBSUB_REGION"],
  (read) => (read.isSet("PUBSUB_PROJECT_ID") ? pubsubOf(read) : null),
);

/** @throws ConfigError with every problem found */
export function parseRelayConfig(env: Env): RelayConfig {
  return relaySection.parse(env);
}

function pubsubOf(read: VariableReader<PubsubVariable>): PubsubConfig {
  const projectId = read.get("PUBSUB_PROJECT_ID");
  const emulatorHost = read.get("PUBSUB_EMULATOR_HOST");
  const region = read.get("PUBSUB_REGION");
  return { projectId, ...(emulatorHost ? { emulatorHost } : {}), ...(region ? { region } : {}) };
}
