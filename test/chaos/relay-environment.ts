import { join } from "node:path";
import type { ChaosWorld } from "./chaos-world.ts";
import {
  FINAL_TOPIC,
  IN_DOUBT_MARGIN_MS,
  LATEST_TOPIC,
  LEASE_MS,
  POLL_INTERVAL_MS,
  PROJECT,
  PUBLISH_TIMEOUT_MS,
} from "./settings.ts";

/** What the processes under test are configured with. */
export function relayEnvironment({
  databaseUrl,
  pubsubHost,
  folder,
}: ChaosWorld): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    DATABASE_URL: databaseUrl,
    PUBSUB_PROJECT_ID: PROJECT,
    PUBSUB_EMULATOR_HOST: pubsubHost,
    PUBLICATIONS: `${LATEST_TOPIC}=latest,${FINAL_TOPIC}=finalized`,
    PUBSUB_PUBLISH_TIMEOUT_MS: String(PUBLISH_TIMEOUT_MS),
    RELAY_IN_DOUBT_MARGIN_MS: String(IN_DOUBT_MARGIN_MS),
    RELAY_LEASE_MS: String(LEASE_MS),
    RELAY_POLL_INTERVAL_MS: String(POLL_INTERVAL_MS),
    // Nothing comes late on the embedded server.
    RELAY_RECEIPTS_DELAY_MS: "100",
    LOG_LEVEL: process.env.CHAOS_LOG_LEVEL ?? "warn",
    METADATA_SERVER_DETECTION: "none",
    // A thousand starts: what was compiled once is not compiled again.
    NODE_COMPILE_CACHE: join(folder, "compiled"),
  };
}
