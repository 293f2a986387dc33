import { TopicUnusable } from "@escrow-stream/relay";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { problemsOf } from "../test/support/problems-of.ts";
import { ConfigError } from "./config-error.ts";
import { EXIT_CONFIG, EXIT_RETRY, exitWith, parseProcessConfig } from "./process-config.ts";

const DATABASE_URL = "postgresql://user:s3cret@db.example:5432/escrow";

test("a database is enough: ports are the system's choice, and only this machine is served", () => {
  expect(parseProcessConfig({ DATABASE_URL })).toEqual({
    databaseUrl: DATABASE_URL,
    apiPort: 0,
    apiHost: "127.0.0.1",
    indexerPort: 0,
  });
});

test("ports and host can be given; an empty variable counts as absent", () => {
  const env = { DATABASE_URL, API_PORT: "4000", API_HOST: "0.0.0.0", INDEXER_PORT: "65535" };
  expect(parseProcessConfig(env)).toMatchObject({
    apiPort: 4_000,
    apiHost: "0.0.0.0",
    indexerPort: 65_535,
  });
  expect(parseProcessConfig({ DATABASE_URL, API_PORT: "", API_HOST: "" })).toEqual(
    parseProcessConfig({ DATABASE_URL }),
  );
});

test("a database that is missing is told apart from one that is malformed", () => {
  const what = "expected postgres://user:password@host:port/database";
  for (const env of [{}, { DATABASE_URL: "" }])
    expect(problemsOf(() => parseProcessConfig(env))).toEqual([
      { where: "DATABASE_URL", what: `is not set; ${what}` },
    ]);
  for (const url of ["mysql://u:s3cret@h/db", "s3cret"])
    expect(problemsOf(() => parseProcessConfig({ DATABASE_URL: url }))).toEqual([
      { where: "DATABASE_URL", what },
    ]);
});

test.each(["API_PORT", "INDEXER_PORT"])("%s must be a port", (where) => {
  for (const value of ["http", "80.5", "-1", "65536"])
    expect(problemsOf(() => parseProcessConfig({ DATABASE_URL, [where]: value }))).toEqual([
      { where, what: "expected a port" },
    ]);
});

test("all problems are told at once, and no password with them", () => {
  const env = { DATABASE_URL: "mysql://u:s3cret@h/db", API_PORT: "x", INDEXER_PORT: "y" };
  const problems = problemsOf(() => parseProcessConfig(env));
  expect(problems.map(({ where }) => where)).toEqual(["DATABASE_URL", "API_PORT", "INDEXER_PORT"]);
  expect(JSON.stringify(problems)).not.toContain("s3cret");
});

describe("a process that ends because of an error", () => {
  afterEach(() => void vi.restoreAllMocks());

  function endOf(error: unknown): { code: unknown; printed: unknown } {
    const exit = vi.spyOn(process, "exit").mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    const print = vi.spyOn(console, "error").mockImplementation(() => undefined);
    expect(() => exitWith(error)).toThrow(/^exit/);
    return { code: exit.mock.calls[0]?.[0], printed: print.mock.calls[0]?.[0] };
  }

  test("in the configuration says so in plain words, and that starting again does not help", () => {
    const error = new ConfigError([{ where: "RPC_URL", what: "is wrong" }]);
    expect(endOf(error)).toEqual({ code: EXIT_CONFIG, printed: error.message });
  });

  test("of the relay's configuration names the variables too", () => {
    const { error } = z.object({ RELAY_PORT: z.number("expected a port") }).safeParse({});
    const { code, printed } = endOf(error);
    expect(code).toBe(EXIT_CONFIG);
    expect(printed).toContain("- RELAY_PORT: expected a port");
  });

  test("of an unusable topic says so in plain words", () => {
    const error = new TopicUnusable("topic x does not exist");
    expect(endOf(error)).toEqual({ code: EXIT_CONFIG, printed: "topic x does not exist" });
  });

  test("of any other kind shows all of it, and that starting again may help", () => {
    const error = new Error("connection lost");
    expect(endOf(error)).toEqual({ code: EXIT_RETRY, printed: error });
  });
});
