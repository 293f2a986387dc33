import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import type { Logger } from "pino";
import { CAPTURED_CHANNEL } from "./capture/capture.ts";
import { CaptureLoop } from "./capture/capture-loop.ts";
import { FinalityGuard } from "./capture/finality-guard.ts";
import { OutboxViews } from "./capture/outbox-views.ts";
import { BLOCK_CHANNEL, listenForWakes } from "./capture/wake-listener.ts";
import type { RelayConfig } from "./config.ts";
import { DoubtResolver } from "./doubt/doubt-resolver.ts";
import { ensureReceipts } from "./doubt/ensure-receipts.ts";
import { Receipts } from "./doubt/receipts.ts";
import { migrate } from "./journal/migrate.ts";
import { type Publication, registerPublications } from "./journal/publication.ts";
import { LeaseKeeper } from "./leases/lease-keeper.ts";
import { PublishLoop } from "./publish/publish-loop.ts";
import { PubsubTopics } from "./publish/pubsub-topics.ts";
import type { BlockEvidence } from "./reorg/block-evidence.ts";
import { ReconcileLoop } from "./reorg/reconcile-loop.ts";
import { startRelayServer } from "./serve/http-server.ts";
import { RelayMetrics } from "./serve/metrics.ts";
import { readPublicationStatus } from "./serve/relay-status.ts";

const POOL_SIZE = 12;
const CAPTURE_BATCH = 5_000;
const BACKOFF = { firstMs: 100, maxMs: 30_000 };
const MAX_REQUESTS = 256;
const MAX_MESSAGES = 8_000;
const STALE_AFTER_MS = 60_000;

const FORGETFUL =
  "the receipts of this topic are not kept after they were read, and could not be made to be: a journal restored from a backup could not be brought up to date";

/** Without an endpoint to ask, nothing is ever retracted: what is unconfirmed waits. */
const NO_EVIDENCE: BlockEvidence = { isReplaced: async () => false };

/** What the relay is made of, for whoever wants to stand between the parts. */
export type RelayParts = {
  pool: pg.Pool;
  topics: PubsubTopics;
  receipts: Receipts;
  evidence: BlockEvidence;
  onListening?: (port: number) => void;
};

/** The parts that a configuration names. */
export function relayParts(
  config: RelayConfig,
  log: Logger,
  evidence: BlockEvidence = NO_EVIDENCE,
): RelayParts {
  const pool = new pg.Pool({
    connectionString: config.databaseUrl,
    max: POOL_SIZE,
    application_name: "relay",
    statement_timeout: 60_000,
  });
  pool.on("error", (error) => log.warn({ err: error }, "an idle database connection was lost"));
  // Lost while it is lent out, a connection fails its query; unheard, its event would end us.
  pool.on("connect", (client) => client.on("error", () => undefined));
  const { pubsub } = config;
  const receipts = new Receipts(pubsub, config.receiptsRetentionMs);
  return { pool, topics: new PubsubTopics(pubsub), receipts, evidence };
}

/**
 * Runs the relay until `signal`: outbox → journal → Pub/Sub. Then lets what is in flight finish
 * and gives its leases back. Any number of instances share one journal.
 *
 * @throws TopicUnusable when a topic or its receipts are missing or closed to us, or an error of
 *   the database at the start; nothing is half-done after any of them
 */
export async function runRelay(
  config: RelayConfig,
  log: Logger,
  signal: AbortSignal,
  parts: RelayParts = relayParts(config, log),
): Promise<void> {
  const { pool, topics, receipts, evidence, onListening } = parts;
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const metrics = new RelayMetrics();
  let loops: Loops | null = null;
  const server = await startRelayServer(
    config,
    {
      notReadyBecause: () => (loops === null ? "starting" : staleness(loops)),
      publications: () => {
        metrics.leases(loops?.leases.count ?? 0);
        return readPublicationStatus(
          db,
          config.publications.map(({ topic }) => topic),
        );
      },
    },
    metrics,
  );
  try {
    await migrate(db);
    for (const { topic } of config.publications) {
      await topics.ensure(topic, config.createTopics);
    }
    const publications = await registerPublications(db, config.publications);
    for (const publication of publications) {
      const { forgetsBecause } = await ensureReceipts(db, publication, receipts);
      if (forgetsBecause !== null)
        log.warn({ err: forgetsBecause, topic: publication.topic }, FORGETFUL);
    }
    onListening?.(server.port);
    loops = buildLoops(db, publications, { topics, receipts, evidence }, log, metrics, config);
    await runLoops(loops, config.databaseUrl, log, signal);
  } finally {
    await server.close();
    await topics.close();
    await receipts.close();
    await db.destroy();
  }
}

type Loops = {
  leases: LeaseKeeper;
  views: OutboxViews;
  capture: CaptureLoop;
  publish: PublishLoop[];
  resolve: DoubtResolver[];
  reconcile: ReconcileLoop[];
};

function buildLoops(
  db: Kysely<unknown>,
  publications: Publication[],
  outside: { topics: PubsubTopics; receipts: Receipts; evidence: BlockEvidence },
  log: Logger,
  metrics: RelayMetrics,
  config: RelayConfig,
): Loops {
  const { topics, receipts, evidence } = outside;
  const { publishTimeoutMs, inDoubtMarginMs } = config;
  const publish = new Map<number, PublishLoop>();
  const resolve = new Map<number, DoubtResolver>();
  const reconcile = new Map<number, ReconcileLoop>();
  const leases = new LeaseKeeper(db, `${hostname()}/${randomUUID()}`, publications, log, {
    leaseMs: config.leaseMs,
    inFlight: (publicationId, partition) => publish.get(publicationId)?.inFlight(partition) ?? 0,
    onChange: () => {
      capture.wake();
      for (const loop of [...publish.values(), ...resolve.values(), ...reconcile.values()])
        loop.wake();
    },
  });
  const onViewsThere = (): void => {
    capture.wake();
    for (const loop of reconcile.values()) loop.wake();
  };
  const views = new OutboxViews(db, log, onViewsThere, BACKOFF);
  const guard = new FinalityGuard(db, evidence, views, log);
  const capture = new CaptureLoop(
    db,
    publications,
    leases,
    guard,
    views,
    {
      captured: ({ id }) => {
        publish.get(id)?.wake();
        resolve.get(id)?.noteCapture();
      },
      unconfirmed: ({ id }) => reconcile.get(id)?.wake(),
    },
    log,
    metrics,
    { batchSize: CAPTURE_BATCH, pollIntervalMs: config.pollIntervalMs, backoff: BACKOFF },
  );
  for (const publication of publications) {
    const { id, topic } = publication;
    const transport = {
      send: ({ orderingKey, messages }, timeoutMs) =>
        topics.publish(topic, orderingKey, messages, timeoutMs),
      recheckTopic: () => ensureReceipts(db, publication, receipts),
    } satisfies ConstructorParameters<typeof PublishLoop>[3];
    publish.set(
      id,
      new PublishLoop(
        db,
        publication,
        leases,
        transport,
        () => resolve.get(id)?.wake(),
        log,
        metrics,
        {
          maxRequests: MAX_REQUESTS,
          maxMessages: MAX_MESSAGES,
          publishTimeoutMs,
          pollIntervalMs: config.pollIntervalMs,
          backoff: BACKOFF,
        },
      ),
    );
    reconcile.set(
      id,
      new ReconcileLoop(
        db,
        publication,
        leases,
        evidence,
        guard,
        views,
        () => {
          publish.get(id)?.wake();
          resolve.get(id)?.noteCapture();
          capture.wake();
        },
        log,
        metrics,
        { lookIntervalMs: config.pollIntervalMs, backoff: BACKOFF },
      ),
    );
    resolve.set(
      id,
      new DoubtResolver(
        db,
        publication,
        leases,
        outside,
        {
          resolved: () => publish.get(id)?.wake(),
          opened: () => {
            capture.wake();
            publish.get(id)?.wake();
          },
        },
        log,
        metrics,
        {
          requestLifeMs: publishTimeoutMs + inDoubtMarginMs,
          publishTimeoutMs,
          receiptsDelayMs: config.receiptsDelayMs,
          backoff: BACKOFF,
        },
      ),
    );
  }
  return {
    leases,
    views,
    capture,
    publish: [...publish.values()],
    resolve: [...resolve.values()],
    reconcile: [...reconcile.values()],
  };
}

async function runLoops(
  { leases, views, capture, publish, resolve, reconcile }: Loops,
  databaseUrl: string,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const wakePublishing = (): void => {
    for (const loop of publish) loop.wake();
  };
  const stopListening = listenForWakes(
    databaseUrl,
    [BLOCK_CHANNEL, CAPTURED_CHANNEL],
    (channel) => (channel === BLOCK_CHANNEL ? capture.wake() : wakePublishing()),
    log,
  );
  const work = [views, capture, ...publish, ...resolve, ...reconcile];
  const keeping = leases.run();
  const working = Promise.all(work.map((loop) => loop.run()));
  const stop = (): void => {
    for (const loop of work) loop.stop();
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  await working;
  leases.stop();
  await keeping;
  await leases.giveBack();
  await stopListening();
}

function staleness({ capture, leases }: Loops): string | null {
  if (leases.count === 0) return "no leases: the others have them, or the database is away";
  const readAt = capture.lastReadAt;
  if (readAt === null) return "the outbox was not read yet";
  const ageMs = Date.now() - readAt.getTime();
  return ageMs > STALE_AFTER_MS
    ? `the outbox was last read ${Math.round(ageMs / 1000)} s ago`
    : null;
}
