import { SERVICE_SECTIONS } from "../supervisor/check-configuration.ts";
import { runService } from "../supervisor/run-service.ts";
import { defineCommand } from "./command.ts";
import { optional, withDefault } from "./command-option.ts";
import { duration, numberFrom, wholeNumber } from "./option-values.ts";
import { runProcess } from "./run-command.ts";

/** Each part is configured or embedded: what is missing is no mistake here (`checkConfiguration`). */
const config = Object.fromEntries(
  Object.entries(SERVICE_SECTIONS).map(([name, { variables }]) => [
    name,
    { variables, parse: () => undefined },
  ]),
);

export const start = defineCommand({
  name: "start",
  says: `escrow-stream: every escrow event, once, in order, on Google Cloud Pub/Sub. Runs everything at once, until it is stopped.

Each part is embedded unless a variable names a real one: DATABASE_URL, PUBSUB_PROJECT_ID or PUBSUB_EMULATOR_HOST, RPC_URL.`,
  options: {
    for: optional(
      "<time>",
      "run that long (90s, 5m), end once everything indexed is published, and print a summary as the last line of standard output",
      duration,
    ),
    "events-per-second": withDefault(
      "<n>",
      "pace of the sample escrows on the local chain; 0 for none",
      "3",
      numberFrom(0, 1_000),
    ),
    seed: withDefault(
      "<n>",
      "seed of the sample escrows",
      "1",
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    ),
  },
  config,
  dataDir: "owns",
  exits1When: "a part is beyond help, or what was indexed is not published in time",
  run: async ({ options, dataDir, env }) =>
    await runService(
      {
        forMs: options.for ?? null,
        dataDir,
        seed: options.seed,
        eventsPerSecond: options["events-per-second"],
      },
      env,
    ),
});

if (import.meta.main) await runProcess(start);
