import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ConfigError } from "../../config/config-error.ts";
import { checkChains } from "../../engine/preflight/check-chains.ts";
import { freePort } from "../../local/free-port.ts";
import { openSources } from "../../source/open-sources.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { LyingNode, RpcRefusal } from "../lies/lying-node.ts";
import { TestChain } from "../support/test-chain.ts";

/* What is found out of the chains before anything starts, through the verified source. */

let chain: TestChain;
let node: LyingNode;

beforeAll(async () => {
  chain = await TestChain.start(41_907);
  node = await LyingNode.start(chain.rpcUrl);
});
afterEach(() => {
  node.lie = (_, answer) => answer;
});
afterAll(async () => {
  await node?.stop();
  await chain?.stop();
});

async function check(
  rpcUrls: string[],
  changes: { chainId?: number; startBlock?: number; address?: `0x${string}` } = {},
): Promise<{ said: string[]; problems: string[] }> {
  const { chainId = chain.chainId, ...ofFactory } = changes;
  const place = { name: "test", pollIntervalMs: 1_000, rpcRequestsPerSecond: 1_000 };
  const factories = [{ ...chain.factories.revisionA, ...ofFactory }];
  const chains = [{ ...place, chainId, rpcUrls, factories }];
  const said: string[] = [];
  const sources = openSources(chains, () => undefined, hurriedClock());
  try {
    await checkChains(chains, sources, (text) => said.push(text));
    return { said, problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { said, problems: error.problems.map(({ what, code }) => `${code} ${what}`) };
  }
}

test("an endpoint that is silent is named while another answers, and its key is not", async () => {
  const silent = `127.0.0.1:${await freePort()}`;
  const { said, problems } = await check([`http://${silent}/s3cret-key-in-it`, node.url]);
  expect(problems).toEqual([]);
  expect(said).toEqual([expect.stringContaining(`does not answer, ${silent}`)]);
  expect(said.join()).not.toContain("s3cret");
});

test("no endpoint that answers is a problem that may pass", async () => {
  const silent = `127.0.0.1:${await freePort()}`;
  const { problems } = await check([`http://${silent}`]);
  expect(problems).toEqual([expect.stringContaining("ES-RPC-UNREACHABLE no RPC endpoint answers")]);
  expect(problems[0]).toContain(silent);
});

test("an endpoint of another chain is refused, also beside one of the right chain", async () => {
  const { problems } = await check([node.url], { chainId: 5 });
  const host = new URL(node.url).host;
  expect(problems).toEqual([`ES-CHAIN the RPC endpoint ${host} is of chain ${chain.chainId}`]);
});

test("a factory's address without a contract, and a start block ahead, are refused together", async () => {
  const { problems } = await check([node.url], {
    ...{ startBlock: 99_999, address: `0x${"12".repeat(20)}` },
  });
  expect(problems).toEqual([
    expect.stringContaining("there is no contract at the factory's address 0x1212"),
    expect.stringContaining("start block 99999 of 0x1212"),
  ]);
});

test("what an endpoint fails at once, it is asked again", async () => {
  const failed = new Set<string>();
  node.lie = ({ method }, answer) => {
    if (failed.has(method)) return answer;
    failed.add(method);
    throw new RpcRefusal(-32_603, "busy");
  };
  expect(await check([node.url])).toEqual({ said: [], problems: [] });
});
