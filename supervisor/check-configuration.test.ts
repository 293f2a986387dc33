import { expect, test } from "vitest";
import { problemsOf } from "../test/support/problems-of.ts";
import { checkConfiguration } from "./check-configuration.ts";

const wheres = (env: Record<string, string>) =>
  problemsOf(() => checkConfiguration(env)).map(({ where }) => where);

test("nothing has to be configured: every part is embedded then", () => {
  expect(problemsOf(() => checkConfiguration({}))).toEqual([]);
});

test("real parts may be mixed with embedded ones", () => {
  const real = {
    DATABASE_URL: "postgres://user:s3cret@db.example/escrow",
    PUBSUB_PROJECT_ID: "my-project",
    RPC_URL: "https://rpc.example",
  };
  expect(wheres(real)).toEqual([]);
  for (const [name, value] of Object.entries(real)) expect(wheres({ [name]: value })).toEqual([]);
});

test("the problems of all parts are reported at once", () => {
  const env = {
    RPC_URL: "rpc.example",
    API_PORT: "x",
    PUBSUB_CREATE: "maybe",
    POSTGRES_PORT: "x",
  };
  expect(wheres(env)).toEqual(["RPC_URL.0", "API_PORT", "PUBSUB_CREATE", "POSTGRES_PORT"]);
});

test("a problem that two parts have is reported once", () => {
  expect(wheres({ DATABASE_URL: "mysql://u:s3cret@h/db" })).toEqual(["DATABASE_URL"]);
});

test("the pace is checked also when the chain is embedded", () => {
  expect(wheres({ POLL_INTERVAL_SECONDS: "often", RPC_REQUESTS_PER_SECOND: "0" })).toEqual([
    "POLL_INTERVAL_SECONDS",
    "RPC_REQUESTS_PER_SECOND",
  ]);
});

test.each(["POSTGRES_PORT", "PUBSUB_PORT", "CHAIN_PORT"])("%s must be a port", (where) => {
  for (const value of ["x", "-1", "65536", "80.5", " "])
    expect(problemsOf(() => checkConfiguration({ [where]: value }))).toEqual([
      { where, what: "expected a port, 0 to 65535" },
    ]);
  for (const value of ["", "0", "65535"]) expect(wheres({ [where]: value })).toEqual([]);
});

test("nothing secret is printed with a problem", () => {
  const env = {
    DATABASE_URL: "mysql://user:s3cret@db.example/escrow",
    RPC_URL: "htps://rpc.example/v2/s3cret",
    RPC_URL_11155111: "rpc.example/v2/s3cret",
  };
  const problems = problemsOf(() => checkConfiguration(env));
  expect(problems).toHaveLength(2);
  expect(JSON.stringify(problems)).not.toContain("s3cret");
});
