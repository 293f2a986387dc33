import { z } from "zod";
import type { PublicationConfig } from "./journal/publication.ts";
import type { PubsubConfig } from "./publish/pubsub-endpoint.ts";

type Env = Record<string, string | undefined>;

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
};

const HOUR_MS = 3_600_000;
/** Seeking back takes up to a minute on Google Cloud; an emulator does it at once. */
const RECEIPTS_DELAY_MS = { cloud: 60_000, emulator: 1_000 };

const DEFAULT_FINAL_TOPIC = "settlement.events.v1";
const DEFAULT_LATEST_TOPIC = "chain.events.v1";

const topicId = z
  .string()
  .regex(
    /^(?!goog)[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}$/,
    "expected a Pub/Sub topic id: 3 to 255 of letters, digits and -_.~+%, beginning with a letter and not with goog",
  );

/** `<topic>=<finalized | latest | confirmations>[;keys=<n>]` */
const publication = z.string().transform((text, context): PublicationConfig => {
  const match = /^([^=;]+)=(finalized|latest|\d{1,6})(?:;keys=([1-9]\d{0,5}))?$/.exec(text.trim());
  const topic = topicId.safeParse(match?.[1]);
  if (match === null || !topic.success) {
    context.addIssue(
      `"${text}" is not a publication; expected <topic id>=<finalized, latest, or a number of confirmations>, and perhaps ;keys=<number of hashed keys>`,
    );
    return z.NEVER;
  }
  const finality = match[2] === "finalized" || match[2] === "latest" ? match[2] : undefined;
  return {
    topic: topic.data,
    finality: finality ?? { confirmations: Number(match[2]) },
    ...(match[3] === undefined ? {} : { keyCount: Number(match[3]) }),
  };
});

const milliseconds = ({ min, max }: { min: number; max: number }) =>
  z.coerce
    .number("expected a number of milliseconds")
    .int("expected whole milliseconds")
    .min(min, `expected ${min} or more`)
    .max(max, `expected ${max} or less`);

const schema = z
  .object({
    DATABASE_URL: z.url({
      protocol: /^postgres(ql)?$/,
      error: "expected postgres://user:password@host:port/database",
    }),
    PUBSUB_PROJECT_ID: z
      .string("expected the Google Cloud project of the topics")
      .regex(/^[a-z][a-z0-9.:-]{1,62}$/, "expected a Google Cloud project id"),
    PUBSUB_EMULATOR_HOST: z
      .string()
      .regex(/^[^/\s]+:\d+$/, "expected host:port")
      .optional(),
    PUBSUB_TOPIC_ID: topicId.default(DEFAULT_FINAL_TOPIC),
    PUBLICATIONS: z
      .string()
      .transform((value) => value.split(",").filter((text) => text.trim() !== ""))
      .pipe(publication.array().min(1, "expected at least one publication"))
      .optional(),
    PUBSUB_CREATE: z
      .enum(["true", "false"], "expected true or false")
      .default("false")
      .transform((value) => value === "true"),
    PUBSUB_PUBLISH_TIMEOUT_MS: milliseconds({ min: 100, max: 600_000 }).default(10_000),
    RELAY_IN_DOUBT_MARGIN_MS: milliseconds({ min: 0, max: 600_000 }).default(5_000),
    RELAY_LEASE_MS: milliseconds({ min: 300, max: 600_000 }).default(10_000),
    RELAY_RECEIPTS_RETENTION_HOURS: z.coerce
      .number("expected a number of hours")
      .int("expected whole hours")
      .min(1, "expected 1 or more")
      .max(744, "expected 744 (31 days) or less")
      .default(168),
    RELAY_RECEIPTS_SETTLE_MS: milliseconds({ min: 0, max: 600_000 }).optional(),
    RELAY_PORT: z.coerce.number("expected a port").int().min(0).max(65_535).default(0),
    RELAY_HOST: z.string().default("127.0.0.1"),
    RELAY_POLL_INTERVAL_MS: milliseconds({ min: 10, max: 60_000 }).default(500),
  })
  .superRefine((config, context) => {
    const topics = config.PUBLICATIONS?.map(({ topic }) => topic) ?? [];
    for (const topic of new Set(topics.filter((one, at) => topics.indexOf(one) !== at)))
      context.addIssue({
        code: "custom",
        path: ["PUBLICATIONS"],
        message: `topic ${topic} stands there twice`,
      });
    if (config.PUBLICATIONS === undefined && config.PUBSUB_TOPIC_ID === DEFAULT_LATEST_TOPIC)
      context.addIssue({
        code: "custom",
        path: ["PUBSUB_TOPIC_ID"],
        message: `${DEFAULT_LATEST_TOPIC} is the topic of events that are not final yet: name another, or set PUBLICATIONS`,
      });
  });

/**
 * Reads the relay's configuration. Empty variables count as absent.
 *
 * @throws z.ZodError with every problem found, each under its variable
 */
export function parseRelayConfig(env: Env): RelayConfig {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const config = schema.parse(set);
  return {
    databaseUrl: config.DATABASE_URL,
    pubsub: {
      projectId: config.PUBSUB_PROJECT_ID,
      ...(config.PUBSUB_EMULATOR_HOST ? { emulatorHost: config.PUBSUB_EMULATOR_HOST } : {}),
    },
    publications: config.PUBLICATIONS ?? [
      { topic: config.PUBSUB_TOPIC_ID, finality: "finalized" },
      { topic: DEFAULT_LATEST_TOPIC, finality: "latest" },
    ],
    createTopics: config.PUBSUB_CREATE,
    port: config.RELAY_PORT,
    hostname: config.RELAY_HOST,
    pollIntervalMs: config.RELAY_POLL_INTERVAL_MS,
    publishTimeoutMs: config.PUBSUB_PUBLISH_TIMEOUT_MS,
    inDoubtMarginMs: config.RELAY_IN_DOUBT_MARGIN_MS,
    leaseMs: config.RELAY_LEASE_MS,
    receiptsRetentionMs: config.RELAY_RECEIPTS_RETENTION_HOURS * HOUR_MS,
    receiptsDelayMs:
      config.RELAY_RECEIPTS_SETTLE_MS ??
      (config.PUBSUB_EMULATOR_HOST ? RECEIPTS_DELAY_MS.emulator : RECEIPTS_DELAY_MS.cloud),
  };
}
