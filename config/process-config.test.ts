import { expect, test } from "vitest";
import { problemsOf } from "../test/support/problems-of.ts";
import { apiSection } from "./api-config.ts";
import { databaseSection, indexerSection } from "./process-config.ts";
import { type Env, parseSections } from "./section.ts";

const DATABASE_URL = "postgresql://user:s3cret@db.example:5432/escrow";
const parse = (env: Env) =>
  parseSections(env, { database: databaseSection, api: apiSection, indexer: indexerSection });

test("a database is enough: ports are the system's choice, and only this machine is served", () => {
  expect(parse({ DATABASE_URL })).toEqual({
    database: DATABASE_URL,
    api: {
      ...{ port: 0, hostname: "127.0.0.1", connections: 10 },
      ...{ databaseUrl: DATABASE_URL, databaseVariable: "DATABASE_URL" },
      ...{ statementTimeoutMs: 5_000, requestTimeoutMs: 15_000, requestsPerMinute: 6_000 },
      ...{ keys: [], origins: [], hosts: [], proxies: 0, isAnonymousAllowed: false },
      ...{ streams: 1_500, streamsPerClient: 100 },
    },
    indexer: { port: 0, hostname: "127.0.0.1" },
  });
});

test("ports and host can be given; an empty variable counts as absent", () => {
  const env = { DATABASE_URL, API_PORT: "4000", API_HOST: "0.0.0.0", INDEXER_PORT: "65535" };
  expect(parse(env)).toMatchObject({
    api: { port: 4_000, hostname: "0.0.0.0" },
    indexer: { port: 65_535 },
  });
  expect(parse({ DATABASE_URL, API_PORT: "", API_HOST: "" })).toEqual(parse({ DATABASE_URL }));
});

test("the API may read another database, such as a standby", () => {
  const API_DATABASE_URL = "postgresql://reader@standby.example/escrow";
  expect(parse({ DATABASE_URL, API_DATABASE_URL })).toMatchObject({
    database: DATABASE_URL,
    api: { databaseUrl: API_DATABASE_URL, databaseVariable: "API_DATABASE_URL" },
  });
});

test("a database that is missing is told apart from one that is malformed", () => {
  const what = "expected postgres://user:password@host:port/database";
  for (const env of [{}, { DATABASE_URL: "" }])
    expect(problemsOf(() => parse(env))).toEqual([
      { where: "DATABASE_URL", what: `is not set; ${what}` },
    ]);
  for (const url of ["mysql://u:s3cret@h/db", "s3cret"])
    expect(problemsOf(() => parse({ DATABASE_URL: url }))).toEqual([
      { where: "DATABASE_URL", what },
    ]);
});

test.each(["API_PORT", "INDEXER_PORT"])("%s must be a port", (where) => {
  for (const value of ["http", "80.5", "-1", "65536", " "])
    expect(problemsOf(() => parse({ DATABASE_URL, [where]: value }))).toEqual([
      { where, what: "expected a port, 0 to 65535" },
    ]);
});

test("all problems are reported at once, each once, and no password with them", () => {
  const env = { DATABASE_URL: "mysql://u:s3cret@h/db", API_PORT: "x", INDEXER_PORT: "y" };
  const problems = problemsOf(() =>
    parseSections(env, {
      ...{ a: databaseSection, b: databaseSection },
      api: apiSection,
      i: indexerSection,
    }),
  );
  expect(problems.map(({ where }) => where)).toEqual(["DATABASE_URL", "API_PORT", "INDEXER_PORT"]);
  expect(JSON.stringify(problems)).not.toContain("s3cret");
});
