import { once } from "node:events";
import { createServer } from "node:net";
import { ConfigError, type ConfigProblem } from "../config/config-error.ts";
import { namesNoChain } from "../config/parse-chains.ts";

type Env = Record<string, string | undefined>;

type Port = { port: string; host?: string; isUsed?: (env: Env) => boolean };

/** Those of embedded parts count only where the part is embedded. */
const PORTS: Port[] = [
  { port: "API_PORT", host: "API_HOST" },
  { port: "INDEXER_PORT" },
  { port: "RELAY_PORT", host: "RELAY_HOST" },
  { port: "POSTGRES_PORT", isUsed: (env) => !env.DATABASE_URL },
  { port: "PUBSUB_PORT", isUsed: (env) => !env.PUBSUB_PROJECT_ID && !env.PUBSUB_EMULATOR_HOST },
  { port: "CHAIN_PORT", isUsed: namesNoChain },
];

/**
 * Makes sure that nobody else listens where our processes are told to. The engine would quietly
 * take another port than the one that was asked for.
 *
 * @throws ConfigError with every port that cannot be had
 */
export async function checkPorts(env: Env): Promise<void> {
  const problems: ConfigProblem[] = [];
  for (const { port, host, isUsed } of PORTS) {
    const number = Number(env[port] || 0);
    if (number === 0 || isUsed?.(env) === false) continue;
    const reason = await whyNot(number, (host && env[host]) || "127.0.0.1");
    if (reason !== null) problems.push({ where: port, what: reason });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

async function whyNot(port: number, host: string): Promise<string | null> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    return `cannot listen on ${host}:${port}: ${(error as Error).message}`;
  }
  server.close();
  await once(server, "close");
  return null;
}
