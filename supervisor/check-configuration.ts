import { parseRelayConfig } from "@escrow-stream/relay";
import { z } from "zod";
import { ConfigError, type ConfigProblem } from "../config/config-error.ts";
import { namesNoChain, parseChains } from "../config/parse-chains.ts";
import { configErrorOf, parseProcessConfig } from "../config/process-config.ts";

type Env = Record<string, string | undefined>;

const PORTS = ["POSTGRES_PORT", "PUBSUB_PORT", "CHAIN_PORT"];
/** In place of the embedded chain, whose addresses are not known before it runs. */
const LOCAL_CHAIN = {
  CHAIN_ID: "31337",
  CONTRACT_ADDRESS: "0x0000000000000000000000000000000000000001",
  START_BLOCK: "0",
  RPC_URL: "http://127.0.0.1",
};

/**
 * Checks everything that is configured before anything is started, reading what the embedded parts
 * will add later as if it were there.
 *
 * @throws ConfigError with every problem found
 */
export function checkConfiguration(env: Env): void {
  const complete = {
    ...env,
    DATABASE_URL: env.DATABASE_URL || "postgres://embedded/escrow",
    PUBSUB_PROJECT_ID: env.PUBSUB_PROJECT_ID || "local",
  };
  const problems: ConfigProblem[] = [];
  const collect = (check: () => unknown): void => {
    try {
      check();
    } catch (error) {
      const known = error instanceof z.ZodError ? configErrorOf(error) : error;
      if (!(known instanceof ConfigError)) throw error;
      problems.push(...known.problems);
    }
  };
  collect(() => parseChains(namesNoChain(env) ? { ...env, ...LOCAL_CHAIN } : env));
  collect(() => parseProcessConfig(complete));
  collect(() => parseRelayConfig(complete));
  for (const name of PORTS)
    if (env[name] && !(/^\d{1,5}$/.test(env[name]) && Number(env[name]) <= 65_535))
      problems.push({ where: name, what: `"${env[name]}" is not a port` });
  const unique = new Map(problems.map((problem) => [`${problem.where} ${problem.what}`, problem]));
  if (unique.size > 0) throw new ConfigError([...unique.values()]);
}
