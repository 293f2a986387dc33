import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PubsubServer, startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import pg from "pg";
import type { RunningPostgres } from "../../local/postgres/start-postgres.ts";
import { startTestPostgres } from "../support/start-test-postgres.ts";
import type { PublishFaults } from "./publish-faults.ts";
import { PROJECT, TOPICS } from "./settings.ts";

const ONCE = { retry: null, timeout: 10_000 };

/** The PostgreSQL and Pub/Sub servers of one run, which can be restarted under everybody's feet. */
export class ChaosWorld {
  readonly folder: string;
  readonly pool: pg.Pool;
  readonly publisher: InstanceType<typeof v1.PublisherClient>;
  readonly subscriber: InstanceType<typeof v1.SubscriberClient>;
  readonly #faults: PublishFaults;
  #postgres: RunningPostgres;
  #pubsub: PubsubServer;
  #restarted: Promise<void> = Promise.resolve();

  private constructor(
    folder: string,
    postgres: RunningPostgres,
    pubsub: PubsubServer,
    faults: PublishFaults,
  ) {
    this.folder = folder;
    this.#postgres = postgres;
    this.#pubsub = pubsub;
    this.#faults = faults;
    this.pool = new pg.Pool({
      connectionString: postgres.url,
      max: 10,
      application_name: "chaos",
      connectionTimeoutMillis: 10_000,
    });
    this.pool.on("error", () => undefined);
    const options = {
      servicePath: "127.0.0.1",
      port: pubsub.port,
      sslCreds: credentials.createInsecure(),
      "grpc.initial_reconnect_backoff_ms": 50,
      "grpc.max_reconnect_backoff_ms": 200,
    };
    this.publisher = new v1.PublisherClient(options);
    this.subscriber = new v1.SubscriberClient(options);
  }

  static async create(faults: PublishFaults): Promise<ChaosWorld> {
    const folder = mkdtempSync(join(tmpdir(), "escrow-chaos-"));
    // PostgreSQL runs as another user when we are root.
    chmodSync(folder, 0o711);
    const postgres = await startTestPostgres({ dataDir: join(folder, "postgres") });
    const pubsub = await startPubsubServer({
      dataDir: join(folder, "pubsub"),
      onPublish: faults.onPublish,
    });
    await commitSynchronously(postgres.url);
    const world = new ChaosWorld(folder, postgres, pubsub, faults);
    for (const topic of TOPICS) await world.createTopic(topic);
    return world;
  }

  get databaseUrl(): string {
    return this.#postgres.url;
  }

  get pubsubHost(): string {
    return this.#pubsub.address;
  }

  async createTopic(topic: string): Promise<void> {
    // As the relay would make it.
    const messageRetentionDuration = { seconds: 3_600 };
    const name = `projects/${PROJECT}/topics/${topic}`;
    await this.publisher.createTopic({ name, messageRetentionDuration }, ONCE);
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.publisher.deleteTopic({ topic: `projects/${PROJECT}/topics/${topic}` }, ONCE);
  }

  /** A subscription in order. */
  async subscribe(topic: string, subscription: string, filter: string): Promise<void> {
    await this.subscriber.createSubscription(
      {
        name: `projects/${PROJECT}/subscriptions/${subscription}`,
        topic: `projects/${PROJECT}/topics/${topic}`,
        enableMessageOrdering: true,
        ackDeadlineSeconds: 10,
        // So that they can be delivered again.
        retainAckedMessages: true,
        filter,
      },
      ONCE,
    );
  }

  /** Messages of a subscription that are not acknowledged. */
  unsettled(subscription: string): number {
    const name = `projects/${PROJECT}/subscriptions/${subscription}`;
    return this.#pubsub.stats().subscriptions[name]?.open ?? 0;
  }

  /** Delivers again what was published in the last seconds, acknowledged or not. */
  async redeliver(subscription: string, secondsBack: number): Promise<void> {
    await this.subscriber.seek(
      {
        subscription: `projects/${PROJECT}/subscriptions/${subscription}`,
        time: { seconds: Math.floor(Date.now() / 1000) - secondsBack, nanos: 0 },
      },
      ONCE,
    );
  }

  restartPubsub(): Promise<void> {
    return this.#oneByOne(() => this.#restartPubsub());
  }

  /** @param isCrash without a checkpoint, as by a kill; it recovers from its log */
  restartPostgres(isCrash: boolean): Promise<void> {
    return this.#oneByOne(() => this.#restartPostgres(isCrash));
  }

  /** Faults are mixed; what restarts cannot be restarted. */
  async #oneByOne(restart: () => Promise<void>): Promise<void> {
    const restarted = this.#restarted.then(restart);
    this.#restarted = restarted.catch(() => undefined);
    await restarted;
  }

  async #restartPubsub(): Promise<void> {
    const { port } = this.#pubsub;
    this.#faults.forgetRequests();
    await this.#pubsub.stop();
    this.#faults.forgetRequests();
    this.#pubsub = await startPubsubServer({
      port,
      dataDir: join(this.folder, "pubsub"),
      onPublish: this.#faults.onPublish,
    });
  }

  async #restartPostgres(isCrash: boolean): Promise<void> {
    const { port, process: server } = this.#postgres;
    const gone = once(server, "exit");
    server.kill(isCrash ? "SIGQUIT" : "SIGINT");
    await gone;
    const dataDir = join(this.folder, "postgres");
    this.#postgres = await startTestPostgres({ dataDir, port });
  }

  /** @param keepFolder for whoever looks for what went wrong */
  async end(keepFolder: boolean): Promise<void> {
    await this.#restarted;
    await Promise.allSettled([this.publisher.close(), this.subscriber.close(), this.pool.end()]);
    await this.#pubsub.stop();
    await this.#postgres.stop();
    if (!keepFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A crash of the server, not of the machine, must not lose what was committed. */
async function commitSynchronously(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("alter role escrow set synchronous_commit = on");
  await client.end();
}
