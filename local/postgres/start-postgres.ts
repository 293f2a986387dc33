import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { freePort } from "../free-port.ts";
import { type PostgresBinaries, postgresBinaries } from "./postgres-binaries.ts";
import { makeOwnedFolder } from "./reachable-folder.ts";
import { ensureSuperuserPassword, SUPERUSER } from "./superuser.ts";
import { type RunAs, unprivilegedUser } from "./unprivileged-user.ts";

export type PostgresOptions = {
  /** Where the cluster lives; made when absent. */
  dataDir: string;
  /** Without it the system chooses. */
  port?: number;
  /** False gives up durability across a crash of the machine, for tests. */
  durable?: boolean;
  /** The folder of `initdb` and `postgres` of another PostgreSQL than that from npm. */
  bin?: string | undefined;
  /** Of the superuser. */
  password: string;
};

export type RunningPostgres = {
  /** The database as its superuser. */
  url: string;
  port: number;
  process: ChildProcess;
  /** Ends every session, checkpoints and stops; resolves when the process is gone. */
  stop(): Promise<void>;
};

const DATABASE = "escrow";
const ATTEMPTS_AT_A_PORT = 5;
/** A standby takes connections that read. */
const READY = /database system is ready to accept (read-only )?connections/;

/**
 * Starts PostgreSQL from npm on the loopback interface, as an unprivileged user when we are root,
 * and makes the cluster and its database the first time.
 *
 * @throws with the server's own last words when it does not come up
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const runAs = unprivilegedUser();
  const { bin } = options;
  const binaries =
    bin === undefined
      ? await postgresBinaries(runAs)
      : { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
  const folder = makeOwnedFolder(options.dataDir, runAs);
  if (!existsSync(join(folder, "PG_VERSION")))
    await initialise(binaries, folder, runAs, options.password);
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const server = spawn(
      binaries.postgres,
      ["-D", folder, "-p", String(port), ...settings(options.durable ?? true)],
      // In a session of its own, so that Ctrl-C reaches us alone and it can be stopped last.
      { ...runAs, cwd: folder, detached: true, stdio: ["ignore", "ignore", "pipe"] },
    );
    const outcome = await waitUntilReady(server);
    if (outcome === "ready") {
      const url = `postgres://${SUPERUSER}:${options.password}@127.0.0.1:${port}/${DATABASE}`;
      await createDatabase(url);
      return { url, port, process: server, stop: () => stop(server) };
    }
    const isPortTaken = /could not bind|Address already in use/.test(outcome);
    if (!isPortTaken || options.port !== undefined || attempt === ATTEMPTS_AT_A_PORT)
      throw new Error(`PostgreSQL did not start in ${folder}:\n${outcome.trim()}`);
  }
}

function settings(durable: boolean): string[] {
  const values: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "300",
    shared_buffers: "256MB",
    max_wal_size: "2GB",
    log_min_messages: "warning",
    ...(durable ? {} : { fsync: "off", full_page_writes: "off", synchronous_commit: "off" }),
  };
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** Makes the cluster. Half a cluster is removed again, so that the next start begins at the beginning. */
async function initialise(
  { initdb }: PostgresBinaries,
  folder: string,
  runAs: RunAs,
  password: string,
): Promise<void> {
  for (const left of readdirSync(folder)) rmSync(join(folder, left), { recursive: true });
  const secrets = mkdtempSync(join(tmpdir(), "escrow-stream-"));
  const passwordFile = join(secrets, "password");
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (runAs.uid !== undefined && runAs.gid !== undefined)
    for (const path of [secrets, passwordFile]) chownSync(path, runAs.uid, runAs.gid);
  try {
    const child = spawn(
      initdb,
      [
        `--pgdata=${folder}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
      ],
      { ...runAs, cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    const [code] = await once(child, "close");
    if (code !== 0) {
      for (const left of readdirSync(folder)) rmSync(join(folder, left), { recursive: true });
      throw new Error(`PostgreSQL could not make its files in ${folder}:\n${stderr.trim()}`);
    }
  } finally {
    rmSync(secrets, { recursive: true, force: true });
  }
}

/** Resolves with "ready", or with what the server said before it ended. */
function waitUntilReady(server: ChildProcess): Promise<"ready" | string> {
  return new Promise((resolve) => {
    let said = "";
    const onEnd = () => resolve(said || "it ended without a word");
    server.once("error", (error) => resolve(error.message));
    server.once("close", onEnd);
    server.stderr?.on("data", (chunk) => {
      if (said.length < 20_000) said += chunk;
      if (READY.test(said)) resolve("ready");
    });
  });
}

async function createDatabase(url: string): Promise<void> {
  const maintenance = url.replace(/[^/]+$/, "postgres");
  await ensureSuperuserPassword(maintenance);
  const client = new pg.Client({ connectionString: maintenance });
  await client.connect();
  try {
    const found = await client.query("select 1 from pg_database where datname = $1", [DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, "exit");
  // SIGINT is PostgreSQL's fast shutdown: it ends the sessions instead of waiting for them.
  server.kill("SIGINT");
  await gone;
}
