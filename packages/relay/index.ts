export { parseRelayConfig, type RelayConfig } from "./config.ts";
export type { PublicationConfig } from "./journal/publication.ts";
export { PubsubAway, TopicUnusable } from "./publish/pubsub-endpoint.ts";
export type { BlockEvidence } from "./reorg/block-evidence.ts";
export { type RelayParts, relayParts, runRelay } from "./run-relay.ts";
