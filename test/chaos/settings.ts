/*
 * Short times, so that a thousand takeovers fit into minutes. All in milliseconds.
 */

/** Longest life of a publish request, from its claim on. */
export const PUBLISH_TIMEOUT_MS = 400;
/** How much longer a request may still be accepted. Also covers how slow the machine may be. */
export const IN_DOUBT_MARGIN_MS = 2_000;
/** Nothing may be accepted that is older than this: the fault layer keeps to it, too. */
export const REQUEST_LIFE_MS = PUBLISH_TIMEOUT_MS + IN_DOUBT_MARGIN_MS;
export const LEASE_MS = 800;
export const POLL_INTERVAL_MS = 50;

export const PROJECT = "chaos";
export const LATEST_TOPIC = "chain.events.v1";
export const FINAL_TOPIC = "settlement.events.v1";
export const TOPICS = [LATEST_TOPIC, FINAL_TOPIC] as const;
/** The filter of subscribers: the relay's own marks have no event id. */
export const EVENTS_ONLY = "attributes:event_id";
export const LEDGER_SCHEMA = "settlement_ledger";
