import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import type { Logger } from "pino";
import { CaptureLoop } from "./capture-loop.ts";
import type { RelayConfig } from "./config.ts";
import { startRelayServer } from "./http-server.ts";
import { acquireJournalLock } from "./journal-lock.ts";
import { RelayMetrics } from "./metrics.ts";
import { migrate } from "./migrate.ts";
import { type Publication, registerPublications } from "./publication.ts";
import { PublishLoop } from "./publish-loop.ts";
import { PubsubTopics } from "./pubsub-topics.ts";
import { readPublicationStatus } from "./relay-status.ts";
import { listenForBlocks } from "./wake-listener.ts";

const POOL_SIZE = 10;
const CAPTURE_BATCH = 5_000;
const BACKOFF = { firstMs: 100, maxMs: 30_000 };
const MAX_REQUESTS = 128;
const MAX_MESSAGES = 20_000;
const STALE_AFTER_MS = 60_000;

/** The connection that kept other relays out is gone: another one may be at work already. */
export class LockLost extends Error {
  override name = "LockLost";
}

/**
 * Runs the relay until `signal`: outbox → journal → Pub/Sub. Then lets what is in flight finish.
 *
 * @param onListening gets the port of the relay's own HTTP server
 * @throws TopicUnusable when a topic is missing or closed to us, LockLost, or an error of the
 *   database at the start; nothing is half-done after any of them
 */
export async function runRelay(
  config: RelayConfig,
  log: Logger,
  signal: AbortSignal,
  onListening: (port: number) => void = () => undefined,
): Promise<void> {
  const pool = new pg.Pool({
    connectionString: config.databaseUrl,
    max: POOL_SIZE,
    application_name: "relay",
    statement_timeout: 60_000,
  });
  pool.on("error", (error) => log.warn({ err: error }, "an idle database connection was lost"));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const topics = new PubsubTopics(config.pubsub);
  const metrics = new RelayMetrics();
  let waitsFor: string | null = "starting";
  let captureLoop: CaptureLoop | null = null;

  const server = await startRelayServer(
    config,
    {
      notReadyBecause: () => waitsFor ?? staleness(captureLoop),
      publications: () =>
        readPublicationStatus(
          db,
          config.publications.map(({ topic }) => topic),
        ),
    },
    metrics,
  );
  try {
    await migrate(db);
    onListening(server.port);
    for (const { topic } of config.publications) await topics.ensure(topic, config.createTopics);
    waitsFor = "another relay is at work on this journal";
    const lock = await acquireJournalLock(config.databaseUrl, log, signal);
    if (lock === null) return;
    try {
      const publications = await registerPublications(db, config.publications);
      waitsFor = null;
      const loops = buildLoops(db, publications, topics, log, metrics, config);
      captureLoop = loops.capture;
      await runLoops(loops, config.databaseUrl, lock.lost, log, signal);
    } finally {
      await lock.release();
    }
  } finally {
    await server.close();
    await topics.close();
    await db.destroy();
  }
}

type Loops = { capture: CaptureLoop; publish: PublishLoop[] };

function buildLoops(
  db: Kysely<unknown>,
  publications: Publication[],
  topics: PubsubTopics,
  log: Logger,
  metrics: RelayMetrics,
  config: RelayConfig,
): Loops {
  const publish = new Map(
    publications.map((publication) => [
      publication,
      new PublishLoop(
        db,
        publication,
        (batch) => topics.publish(publication.topic, batch),
        log,
        metrics,
        { maxRequests: MAX_REQUESTS, maxMessages: MAX_MESSAGES, backoff: BACKOFF },
      ),
    ]),
  );
  const capture = new CaptureLoop(
    db,
    publications,
    (publication) => publish.get(publication)?.wake(),
    log,
    metrics,
    { batchSize: CAPTURE_BATCH, pollIntervalMs: config.pollIntervalMs, backoff: BACKOFF },
  );
  return { capture, publish: [...publish.values()] };
}

async function runLoops(
  { capture, publish }: Loops,
  databaseUrl: string,
  lockLost: Promise<void>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const stopListening = listenForBlocks(databaseUrl, () => capture.wake(), log);
  const all = [capture, ...publish];
  const running = Promise.all(all.map((loop) => loop.run()));
  const stop = (): void => {
    for (const loop of all) loop.stop();
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const isLost = await Promise.race([running.then(() => false), lockLost.then(() => true)]);
    if (isLost) throw new LockLost("the database connection that held the journal's lock is gone");
  } finally {
    stop();
    await stopListening();
  }
}

function staleness(capture: CaptureLoop | null): string | null {
  const readAt = capture?.lastReadAt ?? null;
  if (readAt === null) return "the outbox was not read yet";
  const ageMs = Date.now() - readAt.getTime();
  return ageMs > STALE_AFTER_MS
    ? `the outbox was last read ${Math.round(ageMs / 1000)} s ago`
    : null;
}
