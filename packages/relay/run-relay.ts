import { Kysely, PostgresDialect } from "kysely";
import type { Logger } from "pino";
import type { RelayConfig } from "./config.ts";
import { ensureReceipts } from "./doubt/ensure-receipts.ts";
import { migrate } from "./journal/migrate.ts";
import { type Publication, registerPublications } from "./journal/publication.ts";
import { RelayLoops } from "./relay-loops.ts";
import { type RelayParts, relayParts } from "./relay-parts.ts";
import { completeSettings, type RelaySettings } from "./relay-settings.ts";
import { startRelayServer } from "./serve/http-server.ts";
import { RelayMetrics } from "./serve/metrics.ts";
import { readRelayStatus } from "./serve/relay-status.ts";
import type { OutboxSource } from "./source/outbox-source.ts";

const FORGETFUL =
  "the receipts of this topic are not kept after they were read, and could not be made to be: a journal restored from a backup could not be brought up to date";

const NO_REGION =
  "PUBSUB_REGION is not set: as long as it is not, all relays have to run in one region, where Pub/Sub keeps the order of what they publish";

export type RelayOptions = {
  config: RelaySettings;
  /** Where the messages come from. */
  source: OutboxSource;
  log: Logger;
  /** Ends it. */
  signal: AbortSignal;
  /** Made from the configuration unless given. */
  parts?: RelayParts;
  /** Called once it is at work, with the port of `/health`, `/ready`, `/status` and `/metrics`. */
  onListening?: (port: number) => void;
};

/**
 * Runs the relay until `signal`: outbox → journal → Pub/Sub. Then lets what is in flight finish
 * and gives its leases back. Any number of instances share one journal.
 *
 * @throws TopicUnusable when a topic or its receipts are missing or closed to us, or an error of
 *   the database at the start; nothing is half-done after any of them
 */
export async function runRelay(options: RelayOptions): Promise<void> {
  const { source, log, signal, onListening } = options;
  const config = completeSettings(options.config);
  refuseUnkeepable(source, config);
  const parts = options.parts ?? relayParts(config, log);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: parts.pool }) });
  const metrics = new RelayMetrics();
  let loops: RelayLoops | null = null;
  const view = {
    hangsBecause: () => loops?.hangsBecause() ?? null,
    notReadyBecause: () => (loops === null ? "starting" : loops.staleness()),
    publications: () => {
      metrics.leases(loops?.leases.count ?? 0);
      return readRelayStatus(
        db,
        source,
        config.publications.map(({ topic }) => topic),
      );
    },
  };
  const server = await startRelayServer(config, view, metrics);
  try {
    const publications = await prepare(db, config, parts, log);
    onListening?.(server.port);
    loops = new RelayLoops({ db, source, publications, parts, config, log, metrics });
    await loops.run(signal);
  } finally {
    await server.close();
    await parts.topics.close();
    await parts.receipts.close();
    await db.destroy();
  }
}

/** Journal, topics and receipts. */
async function prepare(
  db: Kysely<unknown>,
  config: RelayConfig,
  { topics, receipts }: RelayParts,
  log: Logger,
): Promise<Publication[]> {
  await migrate(db);
  if (config.pubsub.emulatorHost === undefined && config.pubsub.region === undefined)
    log.warn({ event: "pubsub.region-unset" }, NO_REGION);
  for (const { topic } of config.publications) await topics.ensure(topic, config.createTopics);
  const publications = await registerPublications(db, config.publications);
  for (const publication of publications) {
    const { forgetsBecause } = await ensureReceipts(db, publication, receipts);
    if (forgetsBecause !== null)
      log.warn(
        { event: "receipts.forgetful", err: forgetsBecause, publication: publication.topic },
        FORGETFUL,
      );
  }
  return publications;
}

/** Without evidence nothing can be retracted, so nothing may be published before it is final. */
function refuseUnkeepable(source: OutboxSource, { publications }: RelayConfig): void {
  const early = publications.find(({ finality }) => finality !== "finalized");
  if (source.evidence === null && early !== undefined)
    throw new Error(
      `Publication ${early.topic}: rows of ${source.name} are final once they are committed, so its finality has to be "finalized".`,
    );
}
