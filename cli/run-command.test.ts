import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CodedError } from "../config/coded-error.ts";
import { databaseSection, indexerSection } from "../config/process-config.ts";
import { writeRunningStack } from "../config/running-stack.ts";
import { defineCommand } from "./command.ts";
import { withDefault } from "./command-option.ts";
import { completeEnvironment } from "./complete-environment.ts";
import { wholeNumber } from "./option-values.ts";
import { runCommand } from "./run-command.ts";

const DATABASE_URL = "postgres://u:s3cret@h/db";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "escrow-stream-run-command-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A command that keeps what it was given. */
function example(work: () => unknown = () => undefined) {
  const given: unknown[] = [];
  const command = defineCommand({
    name: "example",
    says: "An example.",
    options: { limit: withDefault("<n>", "how many", "5", wholeNumber(1, 9)) },
    config: { databaseUrl: databaseSection, listening: indexerSection },
    dataDir: "finds",
    run: async ({ options, config, dataDir }) => {
      given.push({ options, config, dataDir });
      work();
      return 0;
    },
  });
  const lines: string[] = [];
  const streams = {
    out: (text: string) => void lines.push(`out: ${text}`),
    err: (text: string) => void lines.push(`err: ${text}`),
  };
  const run = (args: string[], env: Record<string, string>) =>
    runCommand(command, args, { DATA_DIR: folder, ...env }, streams);
  return { run, given, lines };
}

test("a command gets its options and its configuration parsed", async () => {
  const { run, given, lines } = example();
  expect(await run(["--limit", "7"], { DATABASE_URL, INDEXER_PORT: "80" })).toBe(0);
  expect(given).toEqual([
    {
      options: { limit: 7 },
      config: { databaseUrl: DATABASE_URL, listening: { port: 80, hostname: "127.0.0.1" } },
      dataDir: folder,
    },
  ]);
  expect(lines).toEqual([]);
});

test("--help shows options and variables, and nothing runs", async () => {
  const { run, given, lines } = example();
  expect(await run(["--help"], {})).toBe(0);
  const [usage, ...others] = lines;
  expect(others).toEqual([]);
  for (const words of [
    "npm run example",
    "--limit <n>",
    "(default 5)",
    "--data-dir",
    "DATABASE_URL",
  ])
    expect(usage).toContain(words);
  for (const line of usage?.split("\n") ?? []) expect(line.length, line).toBeLessThanOrEqual(105);
  expect(given).toEqual([]);
});

test("a configuration that is not usable is refused, every problem a line", async () => {
  const { run, given, lines } = example();
  expect(await run([], { DATABASE_URL: "mysql://u:s3cret@h", INDEXER_PORT: "x" })).toBe(78);
  expect(lines).toEqual([
    "err: ES-VARIABLE: DATABASE_URL: expected postgres://user:password@host:port/database\nES-VARIABLE: INDEXER_PORT: expected a port, 0 to 65535",
  ]);
  expect(given).toEqual([]);
});

test("a failure ends in one line with its code and its exit code", async () => {
  const { run, lines } = example(() => {
    throw new CodedError("ES-NOTHING-TO-SHOW", "there is none");
  });
  expect(await run([], { DATABASE_URL })).toBe(1);
  expect(lines).toEqual(["err: ES-NOTHING-TO-SHOW: there is none"]);
});

describe("beside a running npm start", () => {
  test("a command finds its database and its parts", async () => {
    writeRunningStack(folder, { DATABASE_URL, INDEXER_PORT: "4000" });
    const { run, given } = example();
    expect(await run([], {})).toBe(0);
    expect(given).toMatchObject([
      { config: { databaseUrl: DATABASE_URL, listening: { port: 4_000 } } },
    ]);
  });

  test("without one, it says where it looked", async () => {
    const { run, lines } = example();
    expect(await run([], {})).toBe(78);
    expect(lines).toEqual([
      `err: ES-VARIABLE: DATABASE_URL: is not set, and no npm start runs on the data folder ${folder}: set it, or name the folder with --data-dir`,
    ]);
  });

  test("--data-dir goes before DATA_DIR", async () => {
    const other = join(folder, "other");
    const { run, lines } = example();
    expect(await run(["--data-dir", other], {})).toBe(78);
    expect(lines[0]).toContain(`data folder ${other}:`);
  });
});

describe("the environment is completed", () => {
  const complete = (env: Record<string, string>, file: string) => {
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    completeEnvironment(env, { dataDir: undefined, findsStack: false, say }, file);
    return { env, said };
  };

  test("by .env, to which the environment itself does not give way, also when it is empty", () => {
    const file = join(folder, ".env");
    writeFileSync(file, "RPC_URL=http://file\nCHAIN_ID=1\nSTART_BLOCK=5\n");
    const { env } = complete({ RPC_URL: "http://mine", START_BLOCK: "" }, file);
    expect(env).toEqual({ RPC_URL: "http://mine", CHAIN_ID: "1", START_BLOCK: "" });
  });

  test("by the older relayer's names, which is said, as are misspelled ones", () => {
    const { env, said } = complete({ PUBSUB_TOPIC: "deals", RPC_ULR: "x" }, join(folder, "none"));
    expect(env.PUBSUB_TOPIC_ID).toBe("deals");
    expect(said).toHaveLength(2);
  });

  test("so that nobody looks for Google's metadata server beside an emulator", () => {
    const { env } = complete({ PUBSUB_EMULATOR_HOST: "h:1" }, join(folder, "none"));
    expect(env.METADATA_SERVER_DETECTION).toBe("none");
  });
});
