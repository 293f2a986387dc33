export type Config = {
  databaseUrl: string;
  projectId: string;
  emulatorHost: string | undefined;
  subscription: string;
  topic: string;
  finality: "final" | "provisional";
  createSubscription: boolean;
  schema: string;
  consumerName: string;
  onEarly: "nack" | "park";
  onDeadLetter: "block" | "skip";
  deadLetterTopic: string | undefined;
  /** The feed to read when it starts late; its publication is the topic. */
  feed: { url: string; publication: string; key?: string } | undefined;
  statsIntervalMs: number;
};

/** @throws with every problem found */
export function parseConfig(env: Record<string, string | undefined>): Config {
  const problems: string[] = [];
  const required = (name: string): string => {
    if (!env[name]) problems.push(`${name} is missing`);
    return env[name] ?? "";
  };
  const oneOf = <T extends string>(name: string, values: readonly [T, ...T[]]): T => {
    const value = env[name] || values[0];
    const known = values.find((each) => each === value);
    if (known === undefined)
      problems.push(`${name} is "${value}", expected ${values.join(" or ")}`);
    return known ?? values[0];
  };
  const subscription = required("SUBSCRIPTION");
  const topic = required("TOPIC");
  const createSubscription = oneOf("CREATE_SUBSCRIPTION", ["false", "true"]) === "true";
  const statsIntervalMs = Number(env.STATS_INTERVAL_MS || 5_000);
  if (!(statsIntervalMs > 0)) problems.push("STATS_INTERVAL_MS is not a number above 0");
  const feedUrl = env.FEED_URL || undefined;
  const config: Config = {
    databaseUrl: required("DATABASE_URL"),
    projectId: required("PUBSUB_PROJECT_ID"),
    emulatorHost: env.PUBSUB_EMULATOR_HOST || undefined,
    subscription,
    topic,
    finality: oneOf("FINALITY", ["final", "provisional"]),
    createSubscription,
    schema: env.SCHEMA || "settlement_ledger",
    consumerName: env.CONSUMER_NAME || subscription,
    onEarly: oneOf("ON_EARLY", ["nack", "park"]),
    onDeadLetter: oneOf("ON_DEAD_LETTER", ["block", "skip"]),
    deadLetterTopic: env.DEAD_LETTER_TOPIC || undefined,
    feed:
      feedUrl === undefined
        ? undefined
        : {
            url: feedUrl,
            publication: topic,
            ...(env.FEED_KEY ? { key: env.FEED_KEY } : {}),
          },
    statsIntervalMs,
  };
  if (problems.length > 0)
    throw new Error(`The configuration is not valid: ${problems.join("; ")}`);
  return config;
}
