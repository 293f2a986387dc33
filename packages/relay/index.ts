export type { RelayConfig } from "./config.ts";
export type { PublicationConfig } from "./journal/publication.ts";
export { PubsubAway, type PubsubConfig, TopicUnusable } from "./publish/pubsub-endpoint.ts";
export { type RelayParts, relayParts } from "./relay-parts.ts";
export type { RelaySettings } from "./relay-settings.ts";
export { type RelayOptions, runRelay } from "./run-relay.ts";
export type { BlockEvidence } from "./source/block-evidence.ts";
export { isRelationMissing } from "./source/is-relation-missing.ts";
export type { Line, OutboxSource, Place } from "./source/outbox-source.ts";
