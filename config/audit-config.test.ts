import { describe, expect, test } from "vitest";
import { auditSection, chainsToAudit } from "./audit-config.ts";
import { ConfigError } from "./config-error.ts";

const FACTORY = `0x${"a".repeat(40)}`;
const ONE = { CHAIN_ID: "5", CONTRACT_ADDRESS: FACTORY };
const chain = (name: string, chainId: number) => ({
  ...{ name, chainId, factories: [{ address: FACTORY, startBlock: 1 }] },
});
const TWO = { DEPLOYMENTS: JSON.stringify([chain("one", 1), chain("ten", 10)]) };

const audited = (env: Record<string, string>, only: string[] = []) =>
  chainsToAudit(auditSection.parse(env).chains, only);

function endpoints(env: Record<string, string>, only?: string[]) {
  return audited(env, only).map(({ chainId, url, independence }) => [
    ...[chainId, url, independence],
  ]);
}

describe("The endpoint that a chain is audited through", () => {
  test("is the indexer's when there is no other, and that is said", () => {
    expect(endpoints({ ...ONE, RPC_URL: "ws://a,https://b/key" })).toEqual([
      [5, "https://b/key", "same RPC as the indexer"],
    ]);
  });

  test("is another one, or another one of the same host", () => {
    expect(endpoints({ ...ONE, RPC_URL: "https://a", AUDIT_RPC_URL: "https://b" })).toEqual([
      [5, "https://b", "independent"],
    ]);
    expect(endpoints({ ...ONE, RPC_URL: "https://a/1", AUDIT_RPC_URL: "https://a/2" })).toEqual([
      [5, "https://a/2", "same RPC as the indexer"],
    ]);
  });

  test("may be the only one that is known", () => {
    expect(endpoints({ ...ONE, AUDIT_RPC_URL_5: "https://b" })).toEqual([
      [5, "https://b", "indexer's RPC not known"],
    ]);
  });

  test("is named by its chain when several are followed", () => {
    const env = { ...TWO, RPC_URL_1: "https://a", RPC_URL_10: "https://b" };
    expect(endpoints({ ...env, AUDIT_RPC_URL_10: "https://d" })).toEqual([
      [1, "https://a", "same RPC as the indexer"],
      [10, "https://d", "independent"],
    ]);
    expect(endpoints(env, ["ten"])).toHaveLength(1);
    expect(endpoints(env, ["1"])).toHaveLength(1);
  });
});

test.each([
  [{ ...ONE, RPC_URL: "https://a", AUDIT_RPC_URL: "no-url" }, [], "AUDIT_RPC_URL: expected"],
  [{ ...ONE, RPC_URL: "https://a" }, ["7"], `--chain: "7" is none of the chains`],
  [{ ...ONE }, [], "RPC_URL: no RPC endpoint for chain 5"],
  [
    { ...TWO, RPC_URL_1: "https://a", RPC_URL_10: "https://b", AUDIT_RPC_URL: "https://c" },
    ["ten"],
    "AUDIT_RPC_URL: is for one chain, and 2 are followed: set AUDIT_RPC_URL_1 (one), AUDIT_RPC_URL_10 (ten) instead",
  ],
])("refuses %o with --chain %o", (env, only, words) => {
  expect(() => audited(env, only)).toThrow(ConfigError);
  expect(() => audited(env, only)).toThrow(words);
});
