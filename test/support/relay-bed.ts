import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type OnPublish,
  type PubsubServer,
  startPubsubServer,
} from "@escrow-stream/pubsub-emulator";
import {
  type BlockEvidence,
  type RelayConfig,
  type RelayParts,
  relayParts,
  runRelay,
} from "@escrow-stream/relay";
import { type Message, PubSub, v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import type pg from "pg";
import type { Logger } from "pino";
import { onTestFinished } from "vitest";
import { parseRelayConfig } from "../../config/relay-config.ts";
import { NO_GATE } from "../../engine/final-gate.ts";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import { RelayWorld, silent } from "./relay-world.ts";
import { StandInOutbox } from "./stand-in-outbox.ts";

process.env.METADATA_SERVER_DETECTION = "none";

const TOPIC = "topic-a";

/** A PostgreSQL, a Pub/Sub with faults to inject, and relays in this process between them. */
export class RelayBed {
  /** Stands around every publish request of the current test. */
  fault: OnPublish | null = null;
  readonly #folder = mkdtempSync(join(tmpdir(), "escrow-stream-bed-"));
  readonly #world = new RelayWorld();
  #server: PubsubServer | null = null;
  #pool: pg.Pool | null = null;
  #outbox: StandInOutbox | null = null;
  #url = "";
  /** Where the relays that are started from now on wait for the witness. */
  gate = NO_GATE;
  /** How long the topic keeps messages for whoever subscribes later; 0 for not at all. */
  topicKeepsSeconds = 3_600;
  #projects = 0;
  #subscriptions = 0;

  async start(): Promise<void> {
    await this.#world.start();
    this.#server = await startPubsubServer({
      dataDir: this.#folder,
      onPublish: async (request, accept) =>
        this.fault ? await this.fault(request, accept) : accept(),
    });
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    await this.#world.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A database, an outbox and a Pub/Sub project of its own for the next test. */
  async renew(): Promise<void> {
    this.fault = null;
    this.gate = NO_GATE;
    this.topicKeepsSeconds = 3_600;
    this.#projects += 1;
    const { url, pool } = await this.#world.database();
    this.#url = url;
    this.#pool = pool;
    this.#outbox = await StandInOutbox.create(pool);
  }

  get pool(): pg.Pool {
    return present(this.#pool);
  }

  get outbox(): StandInOutbox {
    return present(this.#outbox);
  }

  config(env: Record<string, string> = {}): RelayConfig {
    return parseRelayConfig({
      DATABASE_URL: this.#url,
      PUBSUB_PROJECT_ID: this.#project,
      PUBSUB_EMULATOR_HOST: present(this.#server).address,
      PUBSUB_CREATE: "true",
      PUBLICATIONS: `${TOPIC}=latest`,
      PUBSUB_PUBLISH_TIMEOUT_MS: "400",
      RELAY_IN_DOUBT_MARGIN_MS: "200",
      RELAY_LEASE_MS: "900",
      RELAY_POLL_INTERVAL_MS: "50",
      RELAY_RECEIPTS_DELAY_MS: "300",
      RELAY_HALT_LOOKS_APART_MS: "200",
      ...env,
    });
  }

  /** Goes on in another database, with the same topics. */
  moveTo({ url, pool }: { url: string; pool: pg.Pool }): void {
    this.#url = url;
    this.#pool = pool;
    this.#outbox = StandInOutbox.open(pool);
  }

  get world(): RelayWorld {
    return this.#world;
  }

  get url(): string {
    return this.#url;
  }

  /** Runs a relay until the test ends, or the returned function is called. */
  startRelay(
    env: Record<string, string> = {},
    evidence?: BlockEvidence,
    standBetween: (parts: RelayParts) => void = () => undefined,
    log: Logger = silent,
  ): () => Promise<void> {
    const config = this.config(env);
    const stop = new AbortController();
    const parts = relayParts(config, log);
    const { gate } = this;
    const source = ponderOutbox({ gate, ...(evidence === undefined ? {} : { evidence }) });
    standBetween(parts);
    const running = runRelay({ config, source, log, signal: stop.signal, parts });
    const end = async (): Promise<void> => {
      stop.abort();
      await running;
    };
    onTestFinished(end);
    return end;
  }

  /**
   * Makes the topic, as the relay would, and subscribes to it as anybody would.
   *
   * @returns everything that the subscriber gets from now on, in its order
   */
  async subscribe<T>(describe: (message: Message) => T): Promise<T[]> {
    const pubsub = this.#pubsub();
    const seconds = this.topicKeepsSeconds;
    await pubsub.createTopic({
      name: TOPIC,
      messageRetentionDuration: seconds > 0 ? { seconds } : null,
    });
    const name = `plain-${++this.#subscriptions}`;
    const [subscription] = await pubsub.topic(TOPIC).createSubscription(name, {
      enableMessageOrdering: true,
      filter: "attributes:event_id",
    });
    const seen: T[] = [];
    subscription.on("message", (message) => {
      seen.push(describe(message));
      message.ack();
    });
    subscription.on("error", () => undefined);
    onTestFinished(() => subscription.close());
    return seen;
  }

  /** Has what `subscribe` has made deleted, as by a person. */
  async deleteTopic(): Promise<void> {
    await this.#pubsub().topic(TOPIC).delete();
  }

  /** Pulls the relay's receipts without ever acknowledging them, as one that is killed then. */
  async takeReceipts(): Promise<number> {
    const subscriber = new v1.SubscriberClient({
      servicePath: "127.0.0.1",
      port: present(this.#server).port,
      sslCreds: credentials.createInsecure(),
    });
    const subscription = `projects/${this.#project}/subscriptions/${TOPIC}.relay-receipts`;
    const [{ receivedMessages }] = await subscriber.pull({ subscription, maxMessages: 100 });
    await subscriber.close();
    return receivedMessages?.length ?? 0;
  }

  #pubsub(): PubSub {
    const pubsub = new PubSub({
      projectId: this.#project,
      apiEndpoint: present(this.#server).address,
      emulatorMode: true,
    });
    onTestFinished(() => pubsub.close());
    return pubsub;
  }

  get #project(): string {
    return `project-${this.#projects}`;
  }
}

function present<T>(value: T | null): T {
  if (value === null) throw new Error("the bed is not made yet");
  return value;
}
