import { once } from "node:events";
import { createServer } from "node:net";
import { ConfigError, type ConfigProblem } from "../config/config-error.ts";

type Env = Record<string, string | undefined>;

const PORTS = [
  { port: "API_PORT", host: "API_HOST" },
  { port: "INDEXER_PORT", host: undefined },
  { port: "RELAY_PORT", host: "RELAY_HOST" },
] as const;

/**
 * Makes sure that nobody else listens where our processes are told to. The engine would quietly
 * take another port than the one that was asked for.
 *
 * @throws ConfigError with every port that cannot be had
 */
export async function checkPorts(env: Env): Promise<void> {
  const problems: ConfigProblem[] = [];
  for (const { port, host } of PORTS) {
    const number = Number(env[port] || 0);
    if (number === 0) continue;
    const reason = await whyNot(number, (host && env[host]) || "127.0.0.1");
    if (reason !== null) problems.push({ where: port, what: reason, mayPass: true });
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
