import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../local/free-port.ts";
import { makeOwnedFolder } from "../../local/postgres/reachable-folder.ts";
import { unprivilegedUser } from "../../local/postgres/unprivileged-user.ts";

const DEBIAN = "/usr/lib/postgresql";
const OLDEST = 14;
const NEEDED = ["initdb", "postgres", "pg_dump", "pg_restore"];

/**
 * The folder of a PostgreSQL that is installed with its tools, the newest there is: what comes from
 * npm has no `pg_dump`, and an older `pg_dump` refuses a newer server.
 */
export function findSystemPostgres(): string | undefined {
  if (!existsSync(DEBIAN)) return undefined;
  return readdirSync(DEBIAN)
    .map(Number)
    .filter((version) => version >= OLDEST)
    .sort((a, b) => b - a)
    .map((version) => join(DEBIAN, String(version), "bin"))
    .find((bin) => NEEDED.every((name) => existsSync(join(bin, name))));
}

/** Starts a new cluster of it. `stop` removes everything. */
export async function startSystemPostgres(
  bin: string,
): Promise<{ url: string; stop(): Promise<void> }> {
  const runAs = unprivilegedUser();
  const folder = mkdtempSync(join(tmpdir(), "escrow-stream-system-pg-"));
  const data = makeOwnedFolder(join(folder, "data"), runAs);
  const options = { ...runAs, cwd: data, stdio: "ignore" } as const;
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", "me", "-A", "trust", "-N"], options);
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"];
  const server = spawn(
    join(bin, "postgres"),
    ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
    { ...options, stdio: ["ignore", "ignore", "pipe"] },
  );
  await new Promise<void>((resolve, reject) => {
    server.stderr?.on("data", (chunk) => String(chunk).includes("is ready to accept") && resolve());
    server.once("exit", (code) => reject(new Error(`${bin}/postgres exited with ${code}`)));
  });
  return {
    url: `postgres://me@127.0.0.1:${port}/postgres`,
    stop: async () => {
      server.kill("SIGINT");
      await once(server, "exit");
      rmSync(data, { recursive: true, force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
