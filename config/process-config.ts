import { PubsubAway, TopicUnusable } from "@escrow-stream/relay";
import { z } from "zod";
import { ConfigError } from "./config-error.ts";

type Env = Record<string, string | undefined>;

/** A mistake in the configuration: starting again does not help (sysexits.h, EX_CONFIG). */
export const EXIT_CONFIG = 78;
/** Something that may pass by itself: starting again may help (sysexits.h, EX_TEMPFAIL). */
export const EXIT_RETRY = 75;

const schema = z.object({
  DATABASE_URL: z.url({
    protocol: /^postgres(ql)?$/,
    error: "expected postgres://user:password@host:port/database",
  }),
  API_PORT: z.coerce.number("expected a port").int().min(0).max(65_535).default(0),
  API_HOST: z.string().default("127.0.0.1"),
  INDEXER_PORT: z.coerce.number("expected a port").int().min(0).max(65_535).default(0),
});

/** Database and ports of the engine's processes; port 0 lets the system choose. */
export type ProcessConfig = {
  databaseUrl: string;
  apiPort: number;
  apiHost: string;
  indexerPort: number;
};

/** @throws ConfigError with every problem found */
export function parseProcessConfig(env: Env): ProcessConfig {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const result = schema.safeParse(set);
  if (!result.success) throw configErrorOf(result.error);
  return {
    databaseUrl: result.data.DATABASE_URL,
    apiPort: result.data.API_PORT,
    apiHost: result.data.API_HOST,
    indexerPort: result.data.INDEXER_PORT,
  };
}

export function configErrorOf(error: z.ZodError): ConfigError {
  return new ConfigError(
    error.issues.map((issue) => ({
      where: issue.path.join(".") || "environment",
      // Every variable that is set is a string.
      what:
        issue.code === "invalid_type" && issue.expected === "string"
          ? `is not set; ${issue.message}`
          : issue.message,
    })),
  );
}

/** Ends the process because of an error: in plain words when a person can mend it. */
export function exitWith(error: unknown): never {
  if (error instanceof z.ZodError) exitWith(configErrorOf(error));
  if (error instanceof ConfigError || error instanceof TopicUnusable) {
    console.error((error as Error).message);
    process.exit(error instanceof ConfigError && error.mayPass ? EXIT_RETRY : EXIT_CONFIG);
  }
  if (String((error as { code?: unknown }).code).startsWith("ERR_PARSE_ARGS")) {
    console.error((error as Error).message);
    process.exit(EXIT_CONFIG);
  }
  if (error instanceof PubsubAway) console.error((error as Error).message);
  else console.error(error);
  process.exit(EXIT_RETRY);
}
