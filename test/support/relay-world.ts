import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import type { RunningPostgres } from "../../local/postgres/start-postgres.ts";
import { migrate } from "../../packages/relay/journal/migrate.ts";
import {
  type Publication,
  type PublicationConfig,
  registerPublications,
} from "../../packages/relay/journal/publication.ts";
import { LeaseKeeper } from "../../packages/relay/leases/lease-keeper.ts";
import { startTestPostgres } from "./start-test-postgres.ts";

export type TestDatabase = { url: string; pool: pg.Pool; db: Kysely<unknown> };

export const silent = pino({ level: "silent" });

/** A real PostgreSQL for one test file, with a database of its own for each test. */
export class RelayWorld {
  readonly #folder = mkdtempSync(join(tmpdir(), "escrow-stream-relay-"));
  #postgres: RunningPostgres | null = null;
  #pools: pg.Pool[] = [];
  #count = 0;

  async start(): Promise<void> {
    // PostgreSQL's own user has to get through to its data, or that would lie outside this folder.
    chmodSync(this.#folder, 0o711);
    this.#postgres = await startTestPostgres({ dataDir: join(this.#folder, "pg") });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.end()));
    await this.#postgres?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** An empty database with the journal's tables in it. */
  async database(): Promise<TestDatabase> {
    return await this.#create("");
  }

  /** A copy of a database, block by block. Whoever is connected to it is thrown out. */
  async copy(of: string): Promise<TestDatabase> {
    const name = new URL(of).pathname.slice(1);
    return await this.#create(`template ${name}`, name);
  }

  /** Stops PostgreSQL for a moment and keeps its files as they are, for `putFilesBack`. */
  async keepFiles(): Promise<void> {
    await this.#withoutPostgres(() => copyFolder(this.#files, this.#copy));
  }

  /** Starts a standby that follows this PostgreSQL, until the end of the test. @returns its port */
  async startStandby(): Promise<number> {
    await this.keepFiles();
    const { port, username, password } = new URL(this.#postgres?.url ?? "");
    const primary = `host=127.0.0.1 port=${port} user=${username} password=${password}`;
    appendFileSync(join(this.#copy, "postgresql.auto.conf"), `primary_conninfo = '${primary}'\n`);
    writeFileSync(join(this.#copy, "standby.signal"), "");
    const { uid, gid } = statSync(this.#copy);
    chownSync(join(this.#copy, "standby.signal"), uid, gid);
    const standby = await startTestPostgres({ dataDir: this.#copy });
    onTestFinished(() => standby.stop());
    return standby.port;
  }

  async restart(): Promise<void> {
    await this.#withoutPostgres(() => undefined);
  }

  async putFilesBack(): Promise<void> {
    await this.#withoutPostgres(() => copyFolder(this.#copy, this.#files));
  }

  async #withoutPostgres(change: () => void): Promise<void> {
    const port = this.#postgres?.port ?? 0;
    await this.#postgres?.stop();
    change();
    const dataDir = join(this.#folder, "pg");
    this.#postgres = await startTestPostgres({ dataDir, port });
  }

  async #create(how: string, emptied?: string): Promise<TestDatabase> {
    const base = this.#postgres?.url ?? "";
    const name = `test_${++this.#count}`;
    const admin = new pg.Client({ connectionString: base });
    await admin.connect();
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [
      emptied,
    ]);
    await admin.query(`create database ${name} ${how}`);
    await admin.end();
    const url = base.replace(/[^/]+$/, name);
    const pool = new pg.Pool({ connectionString: url });
    pool.on("error", () => undefined);
    this.#pools.push(pool);
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    await migrate(db);
    return { url, pool, db };
  }

  get #files(): string {
    return join(this.#folder, "pg");
  }

  get #copy(): string {
    return join(this.#folder, "copy");
  }
}

/** With owners and modes: PostgreSQL starts in a folder of its own user's only. */
function copyFolder(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  execFileSync("cp", ["-a", from, to]);
}

/** Registers one publication and takes all of its leases for one instance. */
export async function publicationWithLeases(
  db: Kysely<unknown>,
  config: PublicationConfig = { topic: "topic-a", finality: "latest" },
  instance = "one",
): Promise<{ publication: Publication; leases: LeaseKeeper }> {
  const [publication] = await registerPublications(db, [config]);
  if (publication === undefined) throw new Error("no publication");
  await openForTest(db);
  const leases = await startLeases(db, instance, publication, 60_000);
  return { publication, leases };
}

/** Says that the journal is known to be as new as its topics, for tests without a leader's loop. */
export async function openForTest(db: Kysely<unknown>): Promise<void> {
  await sql`update relay.publication set known_in = relay.database_identity()`.execute(db);
}

/** A lease keeper that had its first turn. */
export async function startLeases(
  db: Kysely<unknown>,
  instance: string,
  publication: Publication,
  leaseMs: number,
): Promise<LeaseKeeper> {
  const changed = Promise.withResolvers<void>();
  const leases = new LeaseKeeper({
    db,
    instance,
    publications: [publication],
    log: silent,
    leaseMs,
    inFlight: () => 0,
    onChange: () => changed.resolve(),
  });
  const running = leases.run();
  onTestFinished(() => {
    leases.stop();
    return running;
  });
  await changed.promise;
  return leases;
}

type JournalRow = { ordering_key: string; sequence: string; event_id: string };

/** The journal of a publication, in order of key and sequence. */
export async function readJournal(
  db: Kysely<unknown>,
  { id }: Publication,
): Promise<[key: string, sequence: number, eventId: string][]> {
  const { rows } = await sql<JournalRow>`
    select ordering_key, sequence, event_id from relay.message
    where publication_id = ${id} order by ordering_key, sequence`.execute(db);
  return rows.map((row) => [row.ordering_key, Number(row.sequence), row.event_id]);
}
