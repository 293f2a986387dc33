import { afterEach, describe, expect, test, vi } from "vitest";
import { indexingFiles } from "./build-schema.ts";

const FACTORY = "0x311E63dfcEfe7f2c202715ef0DF01CDA82f58914";
const OTHER_FACTORY = "0x0F146104422a920E90627f130891bc948298d6F8";

const usual = {
  CHAIN_ID: "1",
  CONTRACT_ADDRESS: FACTORY,
  START_BLOCK: "100",
  DEPLOYMENTS: "",
  RPC_URL: "http://127.0.0.1:1",
};

/** The name that a process with that environment finds: it reads its own only once. */
async function schemaWith(env: Record<string, string>): Promise<string> {
  for (const [name, value] of Object.entries({ ...usual, ...env })) vi.stubEnv(name, value);
  vi.resetModules();
  const { deploymentSchema } = await import("./build-schema.ts");
  const schema = await deploymentSchema();
  vi.unstubAllEnvs();
  return schema;
}

afterEach(() => void vi.unstubAllEnvs());

describe("the schema of a deployment", () => {
  test("keeps its name while only the way to the chain changes", async () => {
    const name = await schemaWith({});
    expect(name).toMatch(/^escrow_[0-9a-f]{12}$/);
    const sameBuild = [
      { RPC_URL: "https://other.example,wss://third.example/key" },
      { RPC_URL_1: "https://own.example" },
      { POLL_INTERVAL_SECONDS: "9", RPC_REQUESTS_PER_SECOND: "500" },
      { CONTRACT_ADDRESS: FACTORY.toLowerCase() },
      { DATABASE_URL: "postgres://other/db", API_PORT: "1", PUBSUB_PROJECT_ID: "other" },
    ];
    for (const env of sameBuild) expect(await schemaWith(env), JSON.stringify(env)).toBe(name);
  });

  test("is another one when what is indexed changes", async () => {
    const deployment = (revision: string, name: string, chainId = 1, more = {}) =>
      JSON.stringify([
        { name, chainId, factories: [{ address: FACTORY, startBlock: 100, revision }], ...more },
      ]);
    const builds = [
      {},
      { CHAIN_ID: "2" },
      { START_BLOCK: "101" },
      { CONTRACT_ADDRESS: OTHER_FACTORY },
      { CONTRACT_ADDRESS: `${FACTORY},${OTHER_FACTORY}` },
      { DEPLOYMENTS: deployment("A", "chain-1") },
      { DEPLOYMENTS: deployment("A", "chain-1", 1, { arbiters: "skip" }) },
      { DEPLOYMENTS: deployment("B", "chain-1") },
      { DEPLOYMENTS: deployment("B", "renamed") },
      { DEPLOYMENTS: deployment("B", "renamed", 2), RPC_URL_2: "http://127.0.0.1:1" },
    ];
    const names: string[] = [];
    for (const env of builds) names.push(await schemaWith(env));
    expect(new Set(names).size).toBe(builds.length);
  });
});

describe("the files that decide what is indexed", () => {
  const files = indexingFiles();

  test("are the handlers, the folds, the events and the outbox, in a fixed order [G-7]", () => {
    for (const file of [
      "src/indexing/append.ts",
      "src/projections/escrow.ts",
      "src/events/event-catalogue.ts",
      "src/outbox/encode-message.ts",
    ])
      expect(files).toContain(file);
    expect(files).toEqual([...files].sort());
  });

  test("are neither the query side nor tests", () => {
    expect(files.filter((file) => /^src\/api\/|\.(test|spec)\./.test(file))).toEqual([]);
  });
});
