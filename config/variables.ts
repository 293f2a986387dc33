import { z } from "zod";
import { addressList, blockNumber, chainId, deploymentList } from "./chain-types.ts";
import { finalRules } from "./final-rules.ts";
import { publicationList } from "./publication-type.ts";
import {
  cloudRegion,
  hostAndPort,
  hostName,
  keyHashes,
  logLevel,
  milliseconds,
  numberWithin,
  oneRpcUrl,
  port,
  postgresUrl,
  projectId,
  rpcUrls,
  seconds,
  topicId,
  trueOrFalse,
  trueUnlessFalse,
  wholeNumberWithin,
  wordList,
} from "./variable-types.ts";

/** Headings, in the order in which the variables are listed. */
export const VARIABLE_GROUPS = {
  places: "Where things are. `npm start` embeds what is not set",
  followed: "What is followed. Without these: the factories in deployments.ts",
  published: "What is published",
  relay: "The relay at work",
  http: "HTTP. Port 0 lets the system choose",
  audit: "The audit of the event store (npm run audit)",
  local: "The embedded parts (npm start only)",
  google: "Read by the Google client library",
} as const;

/** One environment variable: the only place that says what it is. */
export type Variable = {
  group: keyof typeof VARIABLE_GROUPS;
  /** What it is for. Its default stands in `type`, or here when it depends on something. */
  says: string;
  /** Reads its text. Says what was expected; never repeats a value that may be secret. */
  type: z.ZodType;
  /** An example, where there is no default. */
  example?: string;
  /** The same with `_<chain id>` added to its name is of that chain alone. */
  isPerChain?: true;
};

/**
 * Every variable that a process of ours reads. Parsers, `--help`, `.env.example` and
 * docs/reference/configuration.md are made from this (`scripts/generate.ts`).
 */
export const VARIABLES = {
  DATABASE_URL: {
    group: "places",
    says: "PostgreSQL 14 or newer: postgres://user:password@host:port/database, as the indexer's role (npm run db:roles); as one role for all, it may create schemas.",
    type: postgresUrl,
  },
  RELAY_DATABASE_URL: {
    group: "places",
    says: "The same database as the relay's role, for the relay, audit:topic and adopt:topic. Without it DATABASE_URL.",
    type: postgresUrl.optional(),
    example: "postgres://escrow_relay:password@host:5432/database",
  },
  ADMIN_DATABASE_URL: {
    group: "places",
    says: "The same database as a role that may make roles, for npm run db:roles alone. Without it DATABASE_URL.",
    type: postgresUrl.optional(),
    example: "postgres://postgres:password@host:5432/database",
  },
  PUBSUB_PROJECT_ID: {
    group: "places",
    says: "Google Cloud project of the topics. Credentials are found as every Google client finds them.",
    type: projectId,
  },
  PUBSUB_EMULATOR_HOST: {
    group: "places",
    says: "A Pub/Sub emulator instead of Google Cloud, host:port. For npm start its project is `local` unless set above.",
    type: hostAndPort.optional(),
  },
  PUBSUB_REGION: {
    group: "places",
    says: "Region of Google Cloud that every relay publishes in, through that region's own endpoint: Pub/Sub keeps an order, which doubts are resolved by, within one region only. The same for all relays.",
    type: cloudRegion.optional(),
    example: "europe-west1",
  },
  RPC_URL: {
    group: "places",
    says: "Endpoints of the one chain that is followed, in order of preference, separated by commas. With _<chain id> those of that chain, needed when several are followed.",
    type: rpcUrls.optional(),
    isPerChain: true,
  },
  CHAIN_ID: {
    group: "followed",
    says: "Chain id of the one chain. Without CONTRACT_ADDRESS it picks one of deployments.ts.",
    type: chainId.optional(),
  },
  CONTRACT_ADDRESS: {
    group: "followed",
    says: "Factories on it, separated by commas. Both contract revisions are followed.",
    type: addressList.optional(),
  },
  START_BLOCK: {
    group: "followed",
    says: "A block at or before their deployment; without it 0, the chain's beginning.",
    type: blockNumber.optional(),
  },
  DEPLOYMENTS: {
    group: "followed",
    says: "Any number of chains: JSON in the form of deployments.ts, or the path of a JSON file. Goes before the three above.",
    type: deploymentList.optional(),
  },
  POLL_INTERVAL_SECONDS: {
    group: "followed",
    says: "How often to ask for a new block, in seconds.",
    type: seconds({ min: 0.1, max: 3_600 }).default(1),
  },
  RPC_REQUESTS_PER_SECOND: {
    group: "followed",
    says: "What the provider allows for each endpoint. A long history is read as fast as this lets it. With _<chain id> for that chain alone, as the three below.",
    // The default is the engine's own starting pace.
    type: numberWithin({ min: 1, max: 10_000 }).default(20),
    isPerChain: true,
  },
  RPC_MAX_BLOCKS_PER_REQUEST: {
    group: "followed",
    says: "How many blocks one question for logs may span. Without it this is found out for each endpoint by what it refuses.",
    type: wholeNumberWithin({ min: 1, max: 100_000 }).optional(),
    isPerChain: true,
  },
  RPC_MAX_ADDRESSES_PER_REQUEST: {
    group: "followed",
    says: "How many contracts one question for logs may name. Without it this is found out in the same way, beginning with 500.",
    type: wholeNumberWithin({ min: 1, max: 10_000 }).optional(),
    isPerChain: true,
  },
  RPC_AGREE: {
    group: "followed",
    says: "How many endpoints have to give the same logs of final blocks before these are believed. Not more than there are.",
    type: wholeNumberWithin({ min: 1, max: 16 }).default(1),
    isPerChain: true,
  },
  PUBSUB_TOPIC_ID: {
    group: "published",
    says: "Topic of final events.",
    type: topicId.default("settlement.events.v1"),
  },
  PUBLICATIONS: {
    group: "published",
    says: "All publications instead of the default two, separated by commas: <topic>=<finalized | latest | confirmations>[;keys=<n>].",
    type: publicationList.optional(),
    example: "settlement.events.v1=finalized,chain.events.v1=latest",
  },
  FINAL_REQUIRES: {
    group: "published",
    says: "What a final publication waits for beyond the engine's finality: verified (the witness has proven the block), agree:<n> (so many endpoints give the same logs), trust (nothing). Several, separated by commas: the next is what a chain falls back to whose headers cannot be proven. With _<chain id> for that chain.",
    type: finalRules,
    isPerChain: true,
  },
  WITNESS_HEALS: {
    group: "published",
    says: "false: what the witness finds waits for npm run heal. Otherwise it has the indexer ask again for what was wrong, and replays.",
    type: trueUnlessFalse,
  },
  PUBSUB_CREATE: {
    group: "published",
    says: "true creates missing topics (always so on the embedded Pub/Sub, unless set to false).",
    type: trueOrFalse,
  },
  PUBSUB_PUBLISH_TIMEOUT_MS: {
    group: "published",
    says: "Longest life of one publish request, in milliseconds.",
    type: milliseconds({ min: 100, max: 600_000 }).default(10_000),
  },
  RELAY_POLL_INTERVAL_MS: {
    group: "relay",
    says: "How often to look into the outbox when nothing wakes the relay, in milliseconds.",
    type: milliseconds({ min: 10, max: 60_000 }).default(500),
  },
  RELAY_LEASE_MS: {
    group: "relay",
    says: "How long a lease lasts unrenewed, in milliseconds: for so long the keys of a killed relay wait.",
    type: milliseconds({ min: 300, max: 600_000 }).default(10_000),
  },
  RELAY_IN_DOUBT_MARGIN_MS: {
    group: "relay",
    says: "How long after its deadline a request without an answer may still take effect, in milliseconds.",
    type: milliseconds({ min: 0, max: 600_000 }).default(5_000),
  },
  RELAY_RECEIPTS_RETENTION_HOURS: {
    group: "relay",
    says: "How long Pub/Sub keeps receipts for a journal that is restored from a backup, in hours, up to 744.",
    type: z.coerce
      .number("expected a number of hours")
      .int("expected whole hours")
      .min(1, "expected 1 or more")
      .max(744, "expected 744 (31 days) or less")
      .default(168),
  },
  RELAY_RECEIPTS_DELAY_MS: {
    group: "relay",
    says: "For so long receipts that are read again may come late, in milliseconds: 60000 on Google Cloud, 1000 on an emulator unless set.",
    type: milliseconds({ min: 0, max: 600_000 }).optional(),
  },
  RELAY_HALT_LOOKS_APART_MS: {
    group: "relay",
    says: "How far apart the two looks at the chain are that a halt of a final publication, and its end, stand on, in milliseconds: for so long a lying node does no harm.",
    type: milliseconds({ min: 0, max: 600_000 }).default(20_000),
  },
  LOG_LEVEL: {
    group: "relay",
    says: "What the relay logs: trace, debug, info, warn, error, fatal, silent.",
    type: logLevel,
  },
  API_PORT: { group: "http", says: "Port of GraphQL and REST.", type: port },
  API_HOST: {
    group: "http",
    says: "Address that the API listens on. Others than this machine need a key (npm run keys, or API_KEYS).",
    type: hostName,
  },
  API_KEYS: {
    group: "http",
    says: "Keys of the API by their hashes, separated by commas: <name>:<SHA-256 of the key in hex>. Beside those that npm run keys makes.",
    type: keyHashes,
    example: `grafana:${"0123456789abcdef".repeat(4)}`,
  },
  API_ANONYMOUS: {
    group: "http",
    says: "true: the API serves others than this machine without any key.",
    type: trueOrFalse,
  },
  API_REQUESTS_PER_MINUTE: {
    group: "http",
    says: "So many requests of each key and of each address; of this machine itself only with a key.",
    type: numberWithin({ min: 1, max: 10_000_000 })
      .pipe(z.int("expected a whole number"))
      .default(6_000),
  },
  API_STREAMS: {
    group: "http",
    says: "So many streams of the feed at once, of all clients.",
    type: numberWithin({ min: 0, max: 50_000 })
      .pipe(z.int("expected a whole number"))
      .default(1_500),
  },
  API_STREAMS_PER_CLIENT: {
    group: "http",
    says: "So many streams of the feed at once of each key; of each address, where no key is needed.",
    type: numberWithin({ min: 0, max: 50_000 }).pipe(z.int("expected a whole number")).default(100),
  },
  API_ORIGINS: {
    group: "http",
    says: "Sites whose pages may ask the API from a browser (CORS), separated by commas.",
    type: wordList(/^https?:\/\/[^/\s]+$/, "expected origins such as https://app.example"),
    example: "https://app.example",
  },
  API_HOSTS: {
    group: "http",
    says: "Names, beside localhost, by which an API may be asked that listens on the loopback interface, separated by commas; for a proxy that keeps them.",
    type: wordList(/^[a-z0-9.-]+$/, "expected names such as api.example, in lower case"),
    example: "api.example",
  },
  API_PROXIES: {
    group: "http",
    says: "How many proxies of yours are in front of the API: so many entries of X-Forwarded-For from its end are believed.",
    type: numberWithin({ min: 0, max: 10 }).pipe(z.int("expected a whole number")).default(0),
  },
  API_DATABASE_URL: {
    group: "http",
    says: "The database of the API: the same as a role that only reads, or a standby. Without it DATABASE_URL.",
    type: postgresUrl.optional(),
    example: "postgres://escrow_reader:password@host:5432/database",
  },
  API_DATABASE_CONNECTIONS: {
    group: "http",
    says: "So many requests read at once; the others wait in turn.",
    type: numberWithin({ min: 1, max: 200 }).pipe(z.int("expected a whole number")).default(10),
  },
  API_QUERY_TIMEOUT_MS: {
    group: "http",
    says: "Longest time of one query of the API, in milliseconds.",
    type: milliseconds({ min: 100, max: 60_000 }).default(5_000),
  },
  API_REQUEST_TIMEOUT_MS: {
    group: "http",
    says: "Longest time until a request is answered, in milliseconds.",
    type: milliseconds({ min: 1_000, max: 120_000 }).default(15_000),
  },
  RELAY_PORT: {
    group: "http",
    says: "/health, /ready, /status and /metrics of the relay.",
    type: port,
  },
  RELAY_HOST: { group: "http", says: "Address that the relay listens on.", type: hostName },
  WITNESS_PORT: {
    group: "http",
    says: "/health, /ready, /status and /metrics of the witness.",
    type: port,
  },
  WITNESS_HOST: { group: "http", says: "Address that the witness listens on.", type: hostName },
  INDEXER_PORT: {
    group: "http",
    says: "/health, /ready, /status and /metrics of the indexer.",
    type: port,
  },
  INDEXER_HOST: { group: "http", says: "Address that the indexer listens on.", type: hostName },
  AUDIT_RPC_URL: {
    group: "audit",
    says: "Endpoint of another provider than the indexer's, for one chain; with _<chain id> for that chain, needed when several are followed. Without it the indexer's own is read, which proves less.",
    type: oneRpcUrl.optional(),
    isPerChain: true,
  },
  AUDIT_RPC_REQUESTS_PER_SECOND: {
    group: "audit",
    says: "What that provider allows.",
    type: numberWithin({ min: 0.1, max: 10_000 }).default(20),
  },
  AUDIT_RPC_TIMEOUT_SECONDS: {
    group: "audit",
    says: "Longest time for one answer, in seconds.",
    type: seconds({ min: 1, max: 600 }).default(30),
  },
  DATA_DIR: {
    group: "local",
    says: "Where the embedded parts keep their data, and where commands look for a running npm start; --data-dir goes before it.",
    type: z.string().default(".data"),
  },
  POSTGRES_PORT: { group: "local", says: "Port of the embedded PostgreSQL.", type: port },
  PUBSUB_PORT: { group: "local", says: "Port of the embedded Pub/Sub.", type: port },
  CHAIN_PORT: { group: "local", says: "Port of the embedded chain.", type: port },
  METADATA_SERVER_DETECTION: {
    group: "google",
    says: "none: do not look for Google's metadata server; saves seconds off Google Cloud. Set by itself when an emulator or the embedded Pub/Sub is used.",
    type: z.string().optional(),
    example: "none",
  },
  GOOGLE_APPLICATION_CREDENTIALS: {
    group: "google",
    says: "Key file of the account that publishes.",
    type: z.string().optional(),
    example: "key.json",
  },
} satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

/** What a variable is worth in a program. */
export type VariableValue<N extends VariableName> = z.output<(typeof VARIABLES)[N]["type"]>;

/** Default of a variable as it would be written; null when there is none. */
export function defaultOf(name: VariableName): string | null {
  const { type }: Variable = VARIABLES[name];
  const { data } = type.safeParse(undefined);
  return data === undefined ? null : String(data);
}
