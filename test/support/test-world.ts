import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PubsubServer, startPubsubServer } from "@escrow-stream/pubsub-emulator";
import pg from "pg";
import type { RunningPostgres } from "../../local/postgres/start-postgres.ts";
import { startTestPostgres } from "./start-test-postgres.ts";
import { TopicRecorder } from "./topic-recorder.ts";

export const FINAL_TOPIC = "settlement.events.v1";
export const LATEST_TOPIC = "chain.events.v1";

/**
 * What a test file needs around the service: PostgreSQL, a Pub/Sub server and a temporary folder,
 * shared by its tests. Everything that a test starts is ended in the opposite order.
 */
export class TestWorld {
  readonly folder: string;
  readonly postgres: RunningPostgres;
  readonly pubsub: PubsubServer;
  readonly #endings: (() => Promise<unknown> | unknown)[] = [];
  #names = 0;

  private constructor(folder: string, postgres: RunningPostgres, pubsub: PubsubServer) {
    this.folder = folder;
    this.postgres = postgres;
    this.pubsub = pubsub;
  }

  static async create(): Promise<TestWorld> {
    // With emulators the client library would look for Google's metadata server for seconds.
    process.env.METADATA_SERVER_DETECTION = "none";
    const folder = mkdtempSync(join(tmpdir(), "escrow-stream-e2e-"));
    // PostgreSQL may run as somebody else, who has to reach its data in here.
    chmodSync(folder, 0o711);
    const postgres = await startTestPostgres({ dataDir: join(folder, "postgres") });
    return new TestWorld(folder, postgres, await startPubsubServer());
  }

  /** Has something ended after the test, or with `end`. */
  ends<T extends { stop(): unknown }>(running: T): T {
    this.#endings.push(() => running.stop());
    return running;
  }

  /** A path in the temporary folder that nobody used before. */
  freshFolder(): string {
    return join(this.folder, `data-${++this.#names}`);
  }

  /** An empty database of its own. */
  async createDatabase(): Promise<string> {
    const name = `test_${++this.#names}`;
    await this.query(this.postgres.url, `create database ${name}`);
    return this.postgres.url.replace(/[^/]+$/, name);
  }

  async query<T extends pg.QueryResultRow>(
    url: string,
    text: string,
    values: unknown[] = [],
  ): Promise<T[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<T>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** A Pub/Sub project of its own: its topics are nobody else's. */
  freshProject(): string {
    return `project-${++this.#names}`;
  }

  /** Subscribes to both default topics, and perhaps others, which need not exist yet. */
  async record(
    projectId: string,
    host = this.pubsub.address,
    others: string[] = [],
  ): Promise<TopicRecorder> {
    const topics = [LATEST_TOPIC, FINAL_TOPIC, ...others];
    return this.ends(await TopicRecorder.start(host, projectId, topics));
  }

  /** Ends what the tests started since the last call. */
  async endTest(): Promise<void> {
    for (const end of this.#endings.splice(0).reverse()) await end();
  }

  async end(): Promise<void> {
    await this.endTest();
    await this.pubsub.stop();
    await this.postgres.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
