import { describe, expect, test } from "vitest";
import { problemsOf } from "../test/support/problems-of.ts";
import { parseRelayConfig } from "./relay-config.ts";

const required = {
  DATABASE_URL: "postgres://relay:s3cret@db.example:5432/escrow",
  PUBSUB_PROJECT_ID: "my-project",
};

/** `variable: what is wrong` for every problem. */
function problemsWith(env: Record<string, string | undefined>): string[] {
  return problemsOf(() => parseRelayConfig({ ...required, ...env })).map(
    ({ where, what }) => `${where}: ${what}`,
  );
}

const publicationsOf = (PUBLICATIONS: string) =>
  parseRelayConfig({ ...required, PUBLICATIONS }).publications;

test("database and project are enough: two topics, final events on one, all at once on the other", () => {
  expect(parseRelayConfig(required)).toMatchObject({
    databaseUrl: required.DATABASE_URL,
    pubsub: { projectId: "my-project" },
    publications: [
      { topic: "settlement.events.v1", finality: "finalized" },
      { topic: "chain.events.v1", finality: "latest" },
    ],
    createTopics: false,
    port: 0,
    hostname: "127.0.0.1",
    pollIntervalMs: 500,
    publishTimeoutMs: 10_000,
  });
});

test("an empty variable counts as absent", () => {
  const empty = {
    PUBSUB_EMULATOR_HOST: "",
    PUBSUB_TOPIC_ID: "",
    PUBLICATIONS: "",
    PUBSUB_CREATE: "",
    PUBSUB_PUBLISH_TIMEOUT_MS: "",
    RELAY_PORT: "",
    RELAY_HOST: "",
    RELAY_POLL_INTERVAL_MS: "",
  };
  expect(parseRelayConfig({ ...required, ...empty })).toEqual(parseRelayConfig(required));
  const missing = problemsWith({ DATABASE_URL: "", PUBSUB_PROJECT_ID: "" });
  expect(missing).toEqual([
    "DATABASE_URL: is not set; expected postgres://user:password@host:port/database",
    "PUBSUB_PROJECT_ID: is not set; expected the Google Cloud project of the topics",
  ]);
});

test("every setting can be given", () => {
  const env = {
    PUBSUB_EMULATOR_HOST: "127.0.0.1:8085",
    PUBSUB_TOPIC_ID: "deals",
    PUBSUB_CREATE: "true",
    PUBSUB_PUBLISH_TIMEOUT_MS: "100",
    RELAY_PORT: "65535",
    RELAY_HOST: "0.0.0.0",
    RELAY_POLL_INTERVAL_MS: "60000",
  };
  expect(parseRelayConfig({ ...required, ...env })).toMatchObject({
    pubsub: { projectId: "my-project", emulatorHost: "127.0.0.1:8085" },
    publications: [
      { topic: "deals", finality: "finalized" },
      { topic: "chain.events.v1", finality: "latest" },
    ],
    createTopics: true,
    port: 65_535,
    hostname: "0.0.0.0",
    pollIntervalMs: 60_000,
    publishTimeoutMs: 100,
  });
});

describe("PUBLICATIONS", () => {
  test("names topics with their finality, and perhaps a number of keys", () => {
    expect(publicationsOf("one=finalized, two=latest ,,three=12;keys=64")).toEqual([
      { topic: "one", finality: "finalized" },
      { topic: "two", finality: "latest" },
      { topic: "three", finality: { confirmations: 12 }, keyCount: 64 },
    ]);
  });

  test("goes before PUBSUB_TOPIC_ID", () => {
    const env = { ...required, PUBSUB_TOPIC_ID: "deals", PUBLICATIONS: "only=latest" };
    expect(parseRelayConfig(env).publications).toEqual([{ topic: "only", finality: "latest" }]);
  });

  test.each([
    "topic",
    "topic=",
    "topic=soon",
    "topic=-1",
    "ab=latest",
    "google=latest",
    "1st=latest",
    "topic=latest;keys=0",
    "topic=latest;keys=",
    "topic=latest;other=1",
  ])("refuses %j with the form that it expects", (text) => {
    const [problem, ...others] = problemsWith({ PUBLICATIONS: `good=latest,${text}` });
    expect(others).toEqual([]);
    expect(problem).toMatch(/^PUBLICATIONS\.1: /);
    expect(problem).toContain(`"${text}" is not a publication; expected <topic id>=`);
  });

  test("refuses none at all, and a topic that is there twice", () => {
    expect(problemsWith({ PUBLICATIONS: " , " })).toEqual([
      "PUBLICATIONS: expected at least one publication",
    ]);
    expect(problemsWith({ PUBLICATIONS: "one=latest,one=finalized" })).toEqual([
      "PUBLICATIONS: topic one is there twice",
    ]);
  });
});

test("PUBSUB_TOPIC_ID may not be the topic of events that are not final yet", () => {
  const latest = "chain.events.v1";
  expect(problemsWith({ PUBSUB_TOPIC_ID: latest })).toEqual([
    `PUBSUB_TOPIC_ID: ${latest} is the topic of events that are not final yet: name another, or set PUBLICATIONS`,
  ]);
  expect(problemsWith({ PUBSUB_TOPIC_ID: latest, PUBLICATIONS: "only=latest" })).toEqual([]);
});

describe("every malformed variable has a problem of its own", () => {
  test.each([
    [
      "DATABASE_URL",
      "mysql://u:s3cret@h/db",
      "expected postgres://user:password@host:port/database",
    ],
    ["DATABASE_URL", "s3cret", "expected postgres://user:password@host:port/database"],
    ["PUBSUB_PROJECT_ID", "My Project", "expected a Google Cloud project id"],
    ["PUBSUB_EMULATOR_HOST", "http://localhost:8085", "expected host:port"],
    ["PUBSUB_EMULATOR_HOST", "localhost", "expected host:port"],
    ["PUBSUB_CREATE", "yes", "expected true or false"],
    ["PUBSUB_TOPIC_ID", "a", "expected a Pub/Sub topic id"],
    ["PUBSUB_PUBLISH_TIMEOUT_MS", "soon", "expected a number of milliseconds"],
    ["PUBSUB_PUBLISH_TIMEOUT_MS", "99", "expected 100 or more"],
    ["RELAY_PORT", "http", "expected a port, 0 to 65535"],
    ["RELAY_PORT", "65536", "expected a port, 0 to 65535"],
    ["RELAY_POLL_INTERVAL_MS", "1.5", "expected whole milliseconds"],
    ["RELAY_POLL_INTERVAL_MS", "60001", "expected 60000 or less"],
  ])("%s=%s", (name, value, what) => {
    const [problem, ...others] = problemsWith({ [name]: value });
    expect(others).toEqual([]);
    expect(problem).toContain(`${name}: ${what}`);
  });

  test("and all are reported at once, without any value that may be secret", () => {
    const problems = problemsWith({
      DATABASE_URL: "mysql://u:s3cret@h/db",
      PUBSUB_PROJECT_ID: "",
      PUBSUB_CREATE: "yes",
      PUBLICATIONS: "x",
      RELAY_PORT: "x",
    });
    expect(problems.map((problem) => problem.split(":")[0])).toEqual([
      "DATABASE_URL",
      "PUBSUB_PROJECT_ID",
      "PUBLICATIONS.0",
      "PUBSUB_CREATE",
      "RELAY_PORT",
    ]);
    expect(problems.join()).not.toContain("s3cret");
  });
});
