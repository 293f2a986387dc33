import { once } from "node:events";
import { createServer } from "node:net";
import { ConfigError, type ConfigProblem } from "../config/config-error.ts";

/** A port that a variable asks for; 0 lets the system choose. */
export type WantedPort = { variable: string; port: number; hostname: string };

/**
 * Makes sure that nobody else listens where we are told to. The engine would quietly take another
 * port than the one that was asked for.
 *
 * @throws ConfigError with every port that cannot be had
 */
export async function checkPorts(wanted: readonly WantedPort[]): Promise<void> {
  const problems: ConfigProblem[] = [];
  for (const { variable, port, hostname } of wanted) {
    const what = port === 0 ? null : await whyNot(port, hostname);
    if (what !== null) problems.push({ where: variable, what, code: "ES-PORT" });
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

async function whyNot(port: number, hostname: string): Promise<string | null> {
  const server = createServer();
  try {
    server.listen(port, hostname);
    await once(server, "listening");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "EADDRINUSE" ? "another process listens there" : message;
    return `cannot listen on ${hostname}:${port}: ${why}`;
  }
  server.close();
  await once(server, "close");
  return null;
}
