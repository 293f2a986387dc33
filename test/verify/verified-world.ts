import { type BlockEvidence, type RelayConfig, runRelay } from "@escrow-stream/relay";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { parseRelayConfig } from "../../config/relay-config.ts";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import { createAuditSubscription } from "../../packages/relay/audit/audit-topic.ts";
import { capture } from "../../packages/relay/capture/capture.ts";
import { registerPublications } from "../../packages/relay/journal/publication.ts";
import { LEADER } from "../../packages/relay/leases/lease-keeper.ts";
import { PubsubTopics } from "../../packages/relay/publish/pubsub-topics.ts";
import { countUnpublished } from "../../packages/relay/serve/relay-status.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { silent } from "../support/relay-world.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";
import { FORK_HASHES, historyWithFork, PROGRESS, UNPUBLISHED } from "./verified-history.ts";

const source = ponderOutbox();

/**
 * A real small database: events that were projected, captured and published by the real relay to a
 * Pub/Sub, through a reorg and back, with the auditor's subscriptions on the topics. Tests get
 * copies of it to damage.
 */
export class VerifiedWorld {
  readonly config: RelayConfig;
  readonly #world: TestWorld;
  readonly #base: string;
  #copies = 0;

  private constructor(world: TestWorld, base: string, config: RelayConfig) {
    this.#world = world;
    this.#base = base;
    this.config = config;
  }

  static async create(): Promise<VerifiedWorld> {
    const world = await TestWorld.create();
    const url = await world.createDatabase();
    const config = parseRelayConfig({
      DATABASE_URL: url,
      PUBSUB_PROJECT_ID: world.freshProject(),
      PUBSUB_EMULATOR_HOST: world.pubsub.address,
      PUBSUB_CREATE: "true",
      RELAY_POLL_INTERVAL_MS: "50",
    });
    const verified = new VerifiedWorld(world, url, config);
    const pool = new pg.Pool({ connectionString: url });
    pool.on("error", () => undefined);
    try {
      await verified.#openTopics();
      const deployment = await StandInDeployment.create(pool);
      await verified.#publish(pool, deployment);
      await verified.#captureOne(pool, deployment);
      // The auditor leaves out what was captured about when its subscription was made.
      await pool.query("update relay.message set captured_at = captured_at + interval '1 minute'");
    } finally {
      await pool.end();
    }
    return verified;
  }

  /** A copy of the database, after some statements. */
  async copy(...statements: string[]): Promise<string> {
    const name = `copy_${++this.#copies}`;
    const base = this.#base.split("/").at(-1);
    await this.query(this.#world.postgres.url, `create database ${name} template ${base}`);
    const url = this.#base.replace(/[^/]+$/, name);
    for (const statement of statements) {
      const { rowCount } = await this.query(url, statement);
      if (rowCount === 0) throw new Error(`this changed nothing: ${statement}`);
    }
    return url;
  }

  async query(url: string, statement: string): Promise<pg.QueryResult> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return await client.query(statement);
    } finally {
      await client.end();
    }
  }

  end(): Promise<void> {
    return this.#world.end();
  }

  async #openTopics(): Promise<void> {
    const { pubsub, publications } = this.config;
    const topics = new PubsubTopics(pubsub);
    for (const { topic } of publications) {
      await topics.ensure(topic, true);
      await createAuditSubscription(pubsub, topic, `${topic}.audit`);
    }
    await topics.close();
  }

  /** The fork block is published, replaced, published again, and comes back as it was. */
  async #publish(pool: pg.Pool, deployment: StandInDeployment): Promise<void> {
    const replaced = new Set<string>();
    const evidence: BlockEvidence = {
      isReplaced: async (_chain, _block, hash) => replaced.has(hash),
      isCanonical: async (_chain, _block, hash) => !replaced.has(hash),
    };
    const stop = new AbortController();
    const running = runRelay({
      config: this.config,
      source: ponderOutbox({ evidence }),
      log: silent,
      signal: stop.signal,
    });
    try {
      const { first, second } = FORK_HASHES;
      for (const [hash, other] of [
        [first, second],
        [second, first],
        [first, second],
      ] as const) {
        replaced.delete(hash);
        replaced.add(other);
        await deployment.holds(historyWithFork(hash), PROGRESS);
        await waitUntil(`all is published while the block is ${hash}`, () =>
          isPublished(pool, this.config, historyWithFork(hash)),
        );
      }
    } finally {
      stop.abort();
      await running;
    }
  }

  /** One more event, which is captured, and which nobody publishes. */
  async #captureOne(pool: pg.Pool, deployment: StandInDeployment): Promise<void> {
    await deployment.holds([...historyWithFork(FORK_HASHES.first), UNPUBLISHED], PROGRESS);
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    const { rows } = await pool.query(`
      update relay.lease l set owner = 'late', epoch = epoch + 1, expires_at = now() + interval '1 h'
      from relay.publication p
      where p.id = l.publication_id and p.topic = '${LATEST_TOPIC}' and partition = ${LEADER}
      returning publication_id, epoch`);
    const publications = await registerPublications(db, this.config.publications);
    const publication = publications.find(({ topic }) => topic === LATEST_TOPIC);
    if (publication === undefined) throw new Error("no publication");
    const leader = {
      publicationId: publication.id,
      partition: LEADER,
      epoch: Number(rows[0].epoch),
    };
    const line = { line: "1", edition: "build-1", final: null, cleared: null };
    const what = { source, publication, line, instance: "late", leader, limit: 10 };
    const { captured } = await capture(db, what);
    if (captured !== 1) throw new Error(`captured ${captured} instead of 1`);
  }
}

/** Whether the journal stands for exactly these events, and its messages are out. */
async function isPublished(
  pool: pg.Pool,
  { publications }: RelayConfig,
  events: EscrowEvent[],
): Promise<boolean> {
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  for (const publication of publications)
    if ((await countUnpublished(db, source, publication)) > 0) return false;
  const { rows } = await pool.query(
    `select array(
        select m.event_id
        from relay.message m join relay.publication p on p.id = m.publication_id
        where p.topic = $1 group by m.event_id
        having count(*) filter (where kind = 'event')
             > count(*) filter (where kind = 'retraction')) as standing,
      (select sum(last_sequence - published_sequence) from relay.ordering_key) as backlog`,
    [LATEST_TOPIC],
  );
  const { standing, backlog } = rows[0];
  const wanted = new Set(events.map(({ id }) => id));
  return (
    Number(backlog) === 0 &&
    standing.length === wanted.size &&
    standing.every((id: string) => wanted.has(id))
  );
}
