import { parseArgs } from "node:util";
import { ConfigError } from "../config/config-error.ts";
import { parseDuration } from "../config/parse-duration.ts";

export type StartOptions = {
  help: boolean;
  /** End by itself after this long, once everything indexed is published; null: never. */
  forMs: number | null;
  dataDir: string;
  seed: number;
  eventsPerSecond: number;
};

export const HELP = `escrow-stream: every escrow event, once, in order, on Google Cloud Pub/Sub.

Usage: npm start -- [options]

  --for <time>               run that long (90s, 5m), end once everything indexed is published, and
                             print a summary as the last line of standard output
  --events-per-second <n>    pace of the sample escrows on the local chain (default 3, 0 for none)
  --seed <n>                 seed of the sample escrows (default 1)
  --data-dir <folder>        where the embedded parts keep their data (default .data, or DATA_DIR)
  --help                     this text

Each part is embedded unless the environment names a real one:

  DATABASE_URL               PostgreSQL 14 or newer
  PUBSUB_PROJECT_ID          Google Cloud project of the topics
  PUBSUB_EMULATOR_HOST       a Pub/Sub emulator instead of Google Cloud, host:port
  RPC_URL                    endpoints of the chain, separated by commas; RPC_URL_<chain id> when
                             there are several chains

What is followed (without these: the factories in deployments.ts):

  CHAIN_ID, CONTRACT_ADDRESS, START_BLOCK   one chain and its factories, separated by commas
  DEPLOYMENTS                any number of chains: JSON in the form of deployments.ts, or a file
  POLL_INTERVAL_SECONDS      how often to ask for a new block (default 1)
  RPC_REQUESTS_PER_SECOND    what each endpoint allows (default 20)

What is published:

  PUBSUB_TOPIC_ID            topic of final events (default settlement.events.v1)
  PUBLICATIONS               any list of <topic>=<finalized | latest | confirmations>[;keys=<n>]
  PUBSUB_CREATE              true creates missing topics

Ports (0, the default, lets the system choose):

  API_PORT, INDEXER_PORT, RELAY_PORT        HTTP of the parts
  POSTGRES_PORT, PUBSUB_PORT, CHAIN_PORT    of the embedded parts

.env.example explains every variable.`;

/** Where the embedded parts keep their data unless told otherwise. */
export const DEFAULT_DATA_DIR = ".data";

/**
 * Reads the command line of `npm start`.
 *
 * @throws ConfigError with every problem found
 */
export function parseStartOptions(args: string[], env: NodeJS.ProcessEnv): StartOptions {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        help: { type: "boolean", short: "h" },
        for: { type: "string" },
        seed: { type: "string", default: "1" },
        "data-dir": { type: "string" },
        "events-per-second": { type: "string", default: "3" },
      },
    }));
  } catch (error) {
    throw new ConfigError([{ where: "command line", what: (error as Error).message }]);
  }
  const problems: { where: string; what: string }[] = [];
  const number = (name: string, max: number): number => {
    const value = Number(values[name]);
    if (!Number.isFinite(value) || value < 0 || value > max || values[name] === "")
      problems.push({
        where: `--${name}`,
        what: `"${values[name]}" is not a number from 0 to ${max}`,
      });
    return value;
  };
  const options: StartOptions = {
    help: values.help === true,
    forMs: values.for === undefined ? null : parseDuration(String(values.for)),
    dataDir: String(values["data-dir"] || env.DATA_DIR || DEFAULT_DATA_DIR),
    seed: number("seed", Number.MAX_SAFE_INTEGER),
    eventsPerSecond: number("events-per-second", 1_000),
  };
  if (Number.isNaN(options.forMs))
    problems.push({
      where: "--for",
      what: `"${values.for}" is not a time: expected a number with ms, s, m or h, such as 90s`,
    });
  if (problems.length > 0) throw new ConfigError(problems);
  return options;
}
