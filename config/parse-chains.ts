import { readFileSync } from "node:fs";
import { isAddress } from "viem";
import { z } from "zod";
import { deployments as builtIn } from "../deployments.ts";
import type { Chain, ChainDeployment, FactoryDeployment } from "./chain-deployment.ts";
import { ConfigError, type ConfigProblem } from "./config-error.ts";

type Env = Record<string, string | undefined>;

const NAMES_A_CHAIN = new Set(["DEPLOYMENTS", "CHAIN_ID", "CONTRACT_ADDRESS", "START_BLOCK"]);
/** GraphQL's Int, which carries the chain id, ends here. */
const MAX_CHAIN_ID = 2 ** 31 - 1;
const DEFAULT_POLL_INTERVAL_SECONDS = 1;
const MAX_POLL_INTERVAL_SECONDS = 3_600;
/** The engine's own starting pace. */
export const DEFAULT_RPC_REQUESTS_PER_SECOND = 20;

const address = z
  .string()
  .trim()
  .refine((value) => isAddress(value, { strict: value !== value.toLowerCase() }), {
    error: ({ input }) =>
      `"${input}" is not an address; expected 0x and 40 hex digits, with a right checksum if it has one`,
  })
  .transform((value) => value.toLowerCase() as `0x${string}`);
// Not z.coerce: in JSON that would make null block 0 and true chain 1.
const whole = z.union(
  [z.int(), z.string().trim().regex(/^\d+$/).transform(Number)],
  "expected a whole number",
);
const chainId = whole.pipe(
  z
    .number()
    .min(1, "expected a chain id from 1")
    .max(MAX_CHAIN_ID, `chain ids above ${MAX_CHAIN_ID} are not supported`),
);
const block = whole.pipe(z.int("expected a block number").min(0, "expected a block number from 0"));
const httpUrl = z
  .url({ protocol: /^(https?|wss?)$/, error: "expected an http(s) or ws(s) URL" })
  .array()
  .min(1, "expected at least one URL");
const chainDeployment = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, "expected a short lower-case name"),
  chainId,
  factories: z
    .strictObject({ address, startBlock: block, revision: z.enum(["A", "B"]).optional() })
    .array()
    .min(1, "expected at least one factory"),
});
const deploymentList = z
  .array(chainDeployment, "expected a list of chains: [{ … }]")
  .min(1, "expected at least one chain");

/**
 * Reads which chains and factories to follow, and how to reach them.
 *
 * In this order: `DEPLOYMENTS` (JSON, or the path of a JSON file, in the form of `deployments.ts`);
 * `CONTRACT_ADDRESS` with `CHAIN_ID` and `START_BLOCK` for one chain; `deployments.ts`, of which
 * `CHAIN_ID` picks one.
 *
 * @throws ConfigError with every problem found
 */
export function parseChains(env: Env): Chain[] {
  const problems: ConfigProblem[] = [];
  const named = namedDeployments(env, problems);
  const pollIntervalMs =
    1000 *
    read(env, "POLL_INTERVAL_SECONDS", problems, DEFAULT_POLL_INTERVAL_SECONDS, (value) =>
      z.coerce
        .number("expected a number of seconds")
        .min(0.1, "expected 0.1 or more")
        .max(MAX_POLL_INTERVAL_SECONDS, `expected ${MAX_POLL_INTERVAL_SECONDS} or less`)
        .parse(value),
    );
  const rpcRequestsPerSecond = read(
    env,
    "RPC_REQUESTS_PER_SECOND",
    problems,
    DEFAULT_RPC_REQUESTS_PER_SECOND,
    (value) =>
      z.coerce
        .number("expected a number")
        .min(1, "expected 1 or more")
        .max(10_000, "expected 10000 or less")
        .parse(value),
  );
  const chains = named.map((chain) => ({
    ...chain,
    rpcUrls: rpcUrlsOf(env, chain, named.length, problems),
    pollIntervalMs,
    rpcRequestsPerSecond,
  }));
  rejectRepeats(chains, env.DEPLOYMENTS ? "DEPLOYMENTS" : "CONTRACT_ADDRESS", problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return chains;
}

/** True when the environment says nothing about where a chain is: the local one serves then. */
export function namesNoChain(env: Env): boolean {
  return !Object.entries(env).some(
    ([name, value]) =>
      value !== undefined &&
      value !== "" &&
      (/^RPC_URL(_\d+)?$/.test(name) || NAMES_A_CHAIN.has(name)),
  );
}

function namedDeployments(env: Env, problems: ConfigProblem[]): ChainDeployment[] {
  if (env.DEPLOYMENTS) {
    return read(env, "DEPLOYMENTS", problems, [], (value) => {
      const isJson = /^\s*[[{]/.test(value);
      const json: unknown = JSON.parse(isJson ? value : readFileSync(value, "utf8"));
      return deploymentList.parse(json) as ChainDeployment[];
    });
  }
  const wanted = read(env, "CHAIN_ID", problems, undefined, (value) => chainId.parse(value));
  if (env.CONTRACT_ADDRESS) {
    const addresses = read(env, "CONTRACT_ADDRESS", problems, [], (value) =>
      address.array().parse(value.split(",")),
    );
    const startBlock = read(env, "START_BLOCK", problems, 0, (value) => block.parse(value));
    if (!env.CHAIN_ID)
      problems.push({
        where: "CHAIN_ID",
        what: "CONTRACT_ADDRESS is set, so this must say on which chain",
      });
    if (wanted === undefined) return [];
    const factories = addresses.map((factory) => ({ address: factory, startBlock }));
    return [{ name: `chain-${wanted}`, chainId: wanted, factories }];
  }
  if (env.START_BLOCK)
    problems.push({
      where: "START_BLOCK",
      what: "is the first block of CONTRACT_ADDRESS, which is not set",
    });
  const chains = builtIn.filter((chain) => wanted === undefined || chain.chainId === wanted);
  if (chains.length === 0)
    problems.push({
      where: "CHAIN_ID",
      what: `no factory is known on chain ${wanted}; name one with CONTRACT_ADDRESS (known: ${builtIn.map((chain) => `${chain.chainId} ${chain.name}`).join(", ")})`,
    });
  return chains;
}

function rpcUrlsOf(
  env: Env,
  { chainId: id, name }: ChainDeployment,
  chainCount: number,
  problems: ConfigProblem[],
): string[] {
  const own = `RPC_URL_${id}`;
  const variable = env[own] || chainCount > 1 ? own : "RPC_URL";
  if (!env[variable]) {
    problems.push({ where: variable, what: `no RPC endpoint for chain ${id} (${name})` });
    return [];
  }
  return read(env, variable, problems, [], (value) =>
    httpUrl.parse(value.split(",").map((url) => url.trim())),
  );
}

/** Reads one variable; a problem with it is noted under its name and the default returned. */
function read<T>(
  env: Env,
  name: string,
  problems: ConfigProblem[],
  whenAbsent: T,
  parse: (value: string) => T,
): T {
  const value = env[name];
  if (value === undefined || value === "") return whenAbsent;
  try {
    return parse(value);
  } catch (error) {
    if (error instanceof z.ZodError) {
      for (const issue of error.issues)
        problems.push({ where: [name, ...issue.path].join("."), what: issue.message });
    } else problems.push({ where: name, what: (error as Error).message });
    return whenAbsent;
  }
}

function rejectRepeats(chains: Chain[], where: string, problems: ConfigProblem[]): void {
  for (const key of ["name", "chainId"] as const) {
    const values = chains.map((chain) => String(chain[key]));
    for (const value of new Set(values.filter((one, at) => values.indexOf(one) !== at)))
      problems.push({ where, what: `${key} ${value} stands there twice` });
  }
  for (const { name, factories } of chains)
    for (const { address } of factories.filter(isRepeated))
      problems.push({ where, what: `factory ${address} stands there twice for chain ${name}` });
}

/** Whether an earlier one is followed in the same revision: its events would come twice. */
function isRepeated(
  { address, revision }: FactoryDeployment,
  at: number,
  factories: FactoryDeployment[],
): boolean {
  return factories
    .slice(0, at)
    .some(
      (other) =>
        other.address.toLowerCase() === address.toLowerCase() &&
        (other.revision ?? revision) === (revision ?? other.revision),
    );
}
