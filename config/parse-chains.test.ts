import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { problemsOf } from "../test/support/problems-of.ts";
import { namesNoChain, parseChains } from "./parse-chains.ts";

const RPC_URL = "https://rpc.example";
const FACTORY = "0x311E63dfcEfe7f2c202715ef0DF01CDA82f58914";
const OTHER_FACTORY = "0x0F146104422a920E90627f130891bc948298d6F8";
const one = { CHAIN_ID: "1", CONTRACT_ADDRESS: FACTORY, RPC_URL };

const deploymentsOf = (...chains: object[]) => JSON.stringify(chains);
const mainnet = { name: "mainnet", chainId: 1, factories: [{ address: FACTORY, startBlock: 5 }] };
const base = { name: "base", chainId: 8453, factories: [{ address: FACTORY, startBlock: 6 }] };

describe("without any deployment in the environment", () => {
  test("the chains in deployments.ts are followed, at the usual pace", () => {
    const [sepolia, ...others] = parseChains({ RPC_URL });
    expect(others).toEqual([]);
    expect(sepolia).toMatchObject({
      name: "sepolia",
      chainId: 11155111,
      rpcUrls: [RPC_URL],
      pollIntervalMs: 1_000,
      rpcRequestsPerSecond: 20,
    });
    expect(sepolia?.factories.map(({ startBlock }) => startBlock)).toEqual([9508300, 9508300]);
  });

  test("CHAIN_ID picks one of them", () => {
    expect(parseChains({ RPC_URL, CHAIN_ID: "11155111" })).toMatchObject([{ name: "sepolia" }]);
  });

  test("START_BLOCK without a CONTRACT_ADDRESS is refused, not ignored", () => {
    expect(problemsOf(() => parseChains({ RPC_URL, START_BLOCK: "9" }))).toEqual([
      {
        where: "START_BLOCK",
        what: "is the first block of CONTRACT_ADDRESS, which is not set",
      },
    ]);
  });

  test("CHAIN_ID of an unknown chain is refused with those that are known", () => {
    expect(problemsOf(() => parseChains({ RPC_URL, CHAIN_ID: "5" }))).toEqual([
      {
        where: "CHAIN_ID",
        what: "no factory is known on chain 5; name one with CONTRACT_ADDRESS (known: 11155111 sepolia)",
      },
    ]);
  });
});

describe("CONTRACT_ADDRESS with CHAIN_ID", () => {
  test("follows one chain, from its first block on unless START_BLOCK says more", () => {
    const factories = [{ address: FACTORY.toLowerCase(), startBlock: 0 }];
    expect(parseChains(one)).toMatchObject([{ name: "chain-1", chainId: 1, factories }]);
    expect(parseChains({ ...one, START_BLOCK: "77" })).toMatchObject([
      { factories: [{ startBlock: 77 }] },
    ]);
  });

  test("names any number of factories, separated by commas and perhaps spaces", () => {
    const chains = parseChains({ ...one, CONTRACT_ADDRESS: `${FACTORY}, ${OTHER_FACTORY}` });
    expect(chains[0]?.factories.map(({ address }) => address)).toEqual([
      FACTORY.toLowerCase(),
      OTHER_FACTORY.toLowerCase(),
    ]);
  });

  test("takes an address in lower case, which has no checksum", () => {
    const CONTRACT_ADDRESS = FACTORY.toLowerCase();
    expect(parseChains({ ...one, CONTRACT_ADDRESS })).toHaveLength(1);
  });

  test("needs CHAIN_ID", () => {
    expect(problemsOf(() => parseChains({ ...one, CHAIN_ID: "" }))).toEqual([
      { where: "CHAIN_ID", what: "CONTRACT_ADDRESS is set, so this must say on which chain" },
    ]);
  });

  test("refuses a factory that is named twice, in whatever spelling", () => {
    const CONTRACT_ADDRESS = `${FACTORY},${FACTORY.toLowerCase()}`;
    expect(problemsOf(() => parseChains({ ...one, CONTRACT_ADDRESS }))).toEqual([
      {
        where: "CONTRACT_ADDRESS",
        what: `factory ${FACTORY.toLowerCase()} is there twice for chain chain-1`,
      },
    ]);
  });
});

describe("what is said of a chain's endpoints", () => {
  const two = { ...one, RPC_URL: "https://a.example,https://b.example,https://b.example" };

  test("is found out, and one endpoint is enough, unless something is set", () => {
    expect(parseChains(two)).toMatchObject([
      { rpcAgree: 1, rpcMaxBlocks: undefined, rpcMaxAddresses: undefined },
    ]);
  });

  test("may be set for all chains, and for one", () => {
    const DEPLOYMENTS = deploymentsOf(mainnet, base);
    const endpoints = { RPC_URL_1: two.RPC_URL, RPC_URL_8453: two.RPC_URL };
    const all = {
      RPC_AGREE: "2",
      RPC_MAX_BLOCKS_PER_REQUEST: "2000",
      RPC_REQUESTS_PER_SECOND: "7",
    };
    const ofBase = {
      ...{ RPC_AGREE_8453: "1", RPC_MAX_BLOCKS_PER_REQUEST_8453: "10" },
      ...{ RPC_REQUESTS_PER_SECOND_8453: "3", RPC_MAX_ADDRESSES_PER_REQUEST_8453: "20" },
    };
    expect(parseChains({ DEPLOYMENTS, ...endpoints, ...all, ...ofBase })).toMatchObject([
      { rpcAgree: 2, rpcMaxBlocks: 2_000, rpcRequestsPerSecond: 7, rpcMaxAddresses: undefined },
      { rpcAgree: 1, rpcMaxBlocks: 10, rpcRequestsPerSecond: 3, rpcMaxAddresses: 20 },
    ]);
  });

  test("cannot be that more agree than there are: an endpoint that is named twice is one", () => {
    expect(problemsOf(() => parseChains({ ...two, RPC_AGREE: "3" }))).toEqual([
      { where: "RPC_AGREE", what: "3 endpoints cannot agree: chain 1 has 2" },
    ]);
  });
});

describe("DEPLOYMENTS", () => {
  const rpcs = { RPC_URL_1: "https://one.example", RPC_URL_8453: "https://base.example" };
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "deployments-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("is JSON with any number of chains", () => {
    const env = { ...rpcs, DEPLOYMENTS: deploymentsOf(mainnet, base) };
    expect(parseChains(env)).toMatchObject([
      { name: "mainnet", chainId: 1, rpcUrls: ["https://one.example"] },
      { name: "base", chainId: 8453, rpcUrls: ["https://base.example"] },
    ]);
  });

  test("may be the path of a file with that JSON", () => {
    const file = join(folder, "chains.json");
    writeFileSync(file, deploymentsOf(mainnet, base));
    const inline = parseChains({ ...rpcs, DEPLOYMENTS: deploymentsOf(mainnet, base) });
    expect(parseChains({ ...rpcs, DEPLOYMENTS: file })).toEqual(inline);
  });

  test("goes before CONTRACT_ADDRESS and CHAIN_ID", () => {
    const chains = parseChains({
      ...one,
      ...rpcs,
      CHAIN_ID: "7",
      DEPLOYMENTS: deploymentsOf(base),
    });
    expect(chains).toMatchObject([{ name: "base", factories: [{ startBlock: 6 }] }]);
  });

  test("may limit a factory to one revision, and follow both at one address by itself", () => {
    const factories = [
      { address: FACTORY, startBlock: 1, revision: "A" },
      { address: FACTORY, startBlock: 2, revision: "B" },
    ];
    const DEPLOYMENTS = deploymentsOf({ ...mainnet, factories });
    expect(parseChains({ RPC_URL, DEPLOYMENTS })[0]?.factories).toHaveLength(2);
  });

  test.each([
    ["a name", [mainnet, { ...base, name: "mainnet" }], "name mainnet is there twice"],
    ["a chain id", [mainnet, { ...base, chainId: 1 }], "chainId 1 is there twice"],
    [
      "a factory",
      [
        {
          ...mainnet,
          factories: [...mainnet.factories, { address: FACTORY, startBlock: 9, revision: "A" }],
        },
      ],
      `factory ${FACTORY.toLowerCase()} is there twice for chain mainnet`,
    ],
  ])("refuses %s that is there twice", (_, chains, what) => {
    const DEPLOYMENTS = deploymentsOf(...chains);
    const problems = problemsOf(() => parseChains({ ...rpcs, DEPLOYMENTS }));
    expect(problems).toEqual([{ where: "DEPLOYMENTS", what }]);
  });

  test("that is no list of chains is refused with what was expected", () => {
    const what = (DEPLOYMENTS: string) =>
      problemsOf(() => parseChains({ DEPLOYMENTS })).map((problem) => problem.what);
    expect(what("[]")).toEqual(["expected at least one chain"]);
    expect(what("{}")).toEqual(["expected a list of chains: [{ … }]"]);
    expect(what("[{")).toEqual([expect.stringContaining("JSON")]);
    expect(what(join(folder, "missing.json"))).toEqual([expect.stringContaining("ENOENT")]);
  });

  test("tells for every wrong value where in it that is", () => {
    const DEPLOYMENTS = deploymentsOf(
      { name: "Main Net", chainId: null, factories: [] },
      {
        name: "b",
        chainId: 2 ** 31,
        factories: [{ address: "0x1", startBlock: null, revision: "C" }],
        rpc: "x",
      },
    );
    expect(problemsOf(() => parseChains({ DEPLOYMENTS }))).toEqual([
      { where: "DEPLOYMENTS.0.name", what: "expected a short lower-case name" },
      { where: "DEPLOYMENTS.0.chainId", what: "expected a whole number" },
      { where: "DEPLOYMENTS.0.factories", what: "expected at least one factory" },
      { where: "DEPLOYMENTS.1.chainId", what: "chain ids above 2147483647 are not supported" },
      {
        where: "DEPLOYMENTS.1.factories.0.address",
        what: '"0x1" is not an address; expected 0x and 40 hex digits, with a right checksum if it has one',
      },
      { where: "DEPLOYMENTS.1.factories.0.startBlock", what: "expected a whole number" },
      {
        where: "DEPLOYMENTS.1.factories.0.revision",
        what: expect.stringMatching(/"A".*"B"/),
      },
      { where: "DEPLOYMENTS.1", what: 'Unrecognized key: "rpc"' },
    ]);
  });
});

describe("every malformed variable has a problem of its own", () => {
  test.each([
    ["CHAIN_ID", "mainnet", "expected a whole number"],
    ["CHAIN_ID", "1.5", "expected a whole number"],
    ["CHAIN_ID", "0x1", "expected a whole number"],
    ["CHAIN_ID", "0", "expected a chain id from 1"],
    ["CHAIN_ID", "2147483648", "chain ids above 2147483647 are not supported"],
    ["START_BLOCK", "latest", "expected a whole number"],
    ["START_BLOCK", "-1", "expected a whole number"],
    ["POLL_INTERVAL_SECONDS", "often", "expected a number of seconds"],
    ["POLL_INTERVAL_SECONDS", "0", "expected 0.1 or more"],
    ["POLL_INTERVAL_SECONDS", "3601", "expected 3600 or less"],
    ["RPC_REQUESTS_PER_SECOND", "many", "expected a number"],
    ["RPC_REQUESTS_PER_SECOND", "0", "expected 1 or more"],
    ["RPC_REQUESTS_PER_SECOND", "10001", "expected 10000 or less"],
    ["RPC_REQUESTS_PER_SECOND_1", "0", "expected 1 or more"],
    ["RPC_MAX_BLOCKS_PER_REQUEST", "0", "expected 1 or more"],
    ["RPC_MAX_BLOCKS_PER_REQUEST_1", "1.5", "expected a whole number"],
    ["RPC_MAX_ADDRESSES_PER_REQUEST", "all", "expected a whole number"],
    ["RPC_AGREE", "0", "expected 1 or more"],
    ["RPC_AGREE", "2", "2 endpoints cannot agree: chain 1 has 1"],
    ["RPC_AGREE_1", "3", "3 endpoints cannot agree: chain 1 has 1"],
  ])("%s=%s", (where, value, what) => {
    expect(problemsOf(() => parseChains({ ...one, [where]: value }))).toEqual([{ where, what }]);
  });

  test("an address with a wrong checksum, or none of the right length", () => {
    const CONTRACT_ADDRESS = `0x12,${FACTORY.slice(0, -1)}5,${OTHER_FACTORY}`;
    const problems = problemsOf(() => parseChains({ ...one, CONTRACT_ADDRESS }));
    expect(problems.map(({ where }) => where)).toEqual([
      "CONTRACT_ADDRESS.0",
      "CONTRACT_ADDRESS.1",
    ]);
    expect(problems[1]?.what).toContain("with a right checksum if it has one");
  });

  test("and all are told at once", () => {
    const problems = problemsOf(() =>
      parseChains({
        CHAIN_ID: "1",
        CONTRACT_ADDRESS: "0x12",
        START_BLOCK: "x",
        POLL_INTERVAL_SECONDS: "x",
        RPC_REQUESTS_PER_SECOND: "x",
        RPC_URL: "x",
      }),
    );
    expect(problems.map(({ where }) => where)).toEqual([
      "CONTRACT_ADDRESS.0",
      "START_BLOCK",
      "POLL_INTERVAL_SECONDS",
      "RPC_URL.0",
      "RPC_REQUESTS_PER_SECOND",
    ]);
  });
});

test("an empty variable counts as absent", () => {
  const empty = {
    DEPLOYMENTS: "",
    CHAIN_ID: "",
    CONTRACT_ADDRESS: "",
    START_BLOCK: "",
    POLL_INTERVAL_SECONDS: "",
    RPC_REQUESTS_PER_SECOND: "",
    RPC_URL_11155111: "",
  };
  expect(parseChains({ ...empty, RPC_URL })).toEqual(parseChains({ RPC_URL }));
});

test("pace and poll interval may be set", () => {
  const env = { ...one, POLL_INTERVAL_SECONDS: "0.25", RPC_REQUESTS_PER_SECOND: "500" };
  expect(parseChains(env)).toMatchObject([{ pollIntervalMs: 250, rpcRequestsPerSecond: 500 }]);
});

test("the local chain serves while nothing says where a chain is", () => {
  expect(namesNoChain({})).toBe(true);
  expect(namesNoChain({ RPC_URL: "", DEPLOYMENTS: undefined, POLL_INTERVAL_SECONDS: "1" })).toBe(
    true,
  );
  expect(namesNoChain({ MY_RPC_URL: "x", RPC_URL_: "x" })).toBe(true);
  for (const name of ["RPC_URL", "RPC_URL_1", "DEPLOYMENTS", "CHAIN_ID", "CONTRACT_ADDRESS"])
    expect(namesNoChain({ [name]: "x" }), name).toBe(false);
});
