import { describe, expect, test } from "vitest";
import { problemsOf } from "../test/support/problems-of.ts";
import { parseChains } from "./parse-chains.ts";

const RPC_URL = "https://rpc.example";
const FACTORY = "0x311E63dfcEfe7f2c202715ef0DF01CDA82f58914";
const one = { CHAIN_ID: "1", CONTRACT_ADDRESS: FACTORY, RPC_URL };
const factories = [{ address: FACTORY, startBlock: 5 }];

describe("RPC endpoints", () => {
  test("are any number, in order of preference, separated by commas", () => {
    const urls = " https://a.example/k , wss://b.example,http://127.0.0.1:8545";
    expect(parseChains({ ...one, RPC_URL: urls })[0]?.rpcUrls).toEqual([
      "https://a.example/k",
      "wss://b.example",
      "http://127.0.0.1:8545",
    ]);
  });

  test("in RPC_URL_<chain id> go before RPC_URL", () => {
    const own = { ...one, RPC_URL_1: "https://own.example", RPC_URL_2: "https://other.example" };
    expect(parseChains(own)[0]?.rpcUrls).toEqual(["https://own.example"]);
    expect(parseChains({ ...own, RPC_URL_1: "" })[0]?.rpcUrls).toEqual([RPC_URL]);
  });

  test("must be named for each chain by itself when there are several: RPC_URL could be any's", () => {
    const DEPLOYMENTS = JSON.stringify([
      { name: "mainnet", chainId: 1, factories },
      { name: "base", chainId: 8453, factories },
    ]);
    expect(problemsOf(() => parseChains({ DEPLOYMENTS, RPC_URL }))).toEqual([
      { where: "RPC_URL_1", what: "no RPC endpoint for chain 1 (mainnet)" },
      { where: "RPC_URL_8453", what: "no RPC endpoint for chain 8453 (base)" },
    ]);
  });

  test("must be there", () => {
    expect(problemsOf(() => parseChains({ ...one, RPC_URL: undefined }))).toEqual([
      { where: "RPC_URL", what: "no RPC endpoint for chain 1 (chain-1)" },
    ]);
  });

  test.each(["ftp://x.example", "rpc.example", "https://a.example,,", "   "])(
    "are not %j",
    (value) => {
      const problems = problemsOf(() => parseChains({ ...one, RPC_URL: value }));
      expect(problems[0]?.where).toMatch(/^RPC_URL\.\d$/);
      expect(problems[0]?.what).toBe("expected an http(s) or ws(s) URL");
    },
  );

  test("are never printed: the key of a provider is in their path", () => {
    const RPC_URL_1 = "https//rpc.example/v2/s3cret-key, https://u:s3cret@h.example:99999/s3cret";
    const problems = problemsOf(() => parseChains({ ...one, RPC_URL_1 }));
    expect(problems.map(({ where }) => where)).toEqual(["RPC_URL_1.0", "RPC_URL_1.1"]);
    expect(JSON.stringify(problems)).not.toContain("s3cret");
  });
});
