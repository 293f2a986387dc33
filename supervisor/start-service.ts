import type { RelayConfig } from "@escrow-stream/relay";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { apiSection } from "../config/api-config.ts";
import { finalRequiresSection } from "../config/final-requires.ts";
import { parseChains } from "../config/parse-chains.ts";
import { databaseSection } from "../config/process-config.ts";
import { parseRelayConfig, relayDatabaseVariable } from "../config/relay-config.ts";
import { writeRunningStack } from "../config/running-stack.ts";
import { checkDatabase } from "../db/check-database.ts";
import { finalGate, hasGate } from "../engine/final-gate.ts";
import { ponderOutbox } from "../engine/outbox-source.ts";
import { checkChains } from "../engine/preflight/check-chains.ts";
import { freePort } from "../local/free-port.ts";
import type { LocalParts } from "../local/start-local-parts.ts";
import { openSources } from "../source/open-sources.ts";
import type { End } from "./end-all.ts";
import { ensureTopics } from "./ensure-topics.ts";
import type { Output } from "./output.ts";
import type { ServiceProcesses } from "./service-processes.ts";
import { showReceived } from "./show-received.ts";
import { showSnapshots } from "./show-snapshots.ts";
import { SnapshotReader } from "./snapshot.ts";

export type ServiceOptions = {
  givenEnv: NodeJS.ProcessEnv;
  /** Where commands that work beside it look for it. */
  dataDir: string;
  parts: LocalParts;
  processes: ServiceProcesses;
  output: Output;
  /** Aborted when everything has to end. */
  signal: AbortSignal;
  /** Gets what ends each thing that was begun, in that order. */
  ends: End[];
};

/** What runs on top of PostgreSQL, Pub/Sub and the chains. */
export type Service = {
  relay: RelayConfig;
  db: Kysely<unknown>;
  reader: SnapshotReader;
};

/**
 * Starts the processes, and shows what they do.
 *
 * @throws ConfigError or TopicUnusable, before a process is started
 */
export async function startService({
  givenEnv,
  dataDir,
  parts,
  processes,
  output,
  signal,
  ends,
}: ServiceOptions): Promise<Service> {
  const apiPort = String(Number(givenEnv.API_PORT) || (await freePort()));
  const found = { ...parts.env, API_PORT: apiPort };
  const env: NodeJS.ProcessEnv = { ...givenEnv, ...found };
  const chains = parseChains(env);
  const relay = parseRelayConfig(env);
  const urls = {
    indexer: databaseSection.parse(env),
    relay: relay.databaseUrl,
    api: apiSection.parse(env).databaseUrl,
  };
  const notes: string[] = [];
  await Promise.all([
    checkDatabase(urls.indexer),
    checkDatabase(urls.relay, { variable: relayDatabaseVariable(env), use: "relay" }),
    checkChains(
      chains,
      openSources(chains, () => undefined),
      (text) => notes.push(`Note        ${text}`),
    ),
    ensureTopics(relay),
  ]);

  // Commands beside it find from here on what they need.
  const removeRunningStack = writeRunningStack(dataDir, env);
  ends.push(() => removeRunningStack());
  const gate = finalGate(finalRequiresSection.parse(env));
  processes.start(urls, found, hasGate(gate));
  const apiUrl = `http://${env.API_HOST || "127.0.0.1"}:${apiPort}`;
  output.banner([...parts.lines, ...notes, `API         ${apiUrl}/graphql  ${apiUrl}/v1/escrows`]);
  output.state("starting indexer, relay, witness and API");

  const pool = new pg.Pool({ connectionString: relay.databaseUrl, max: 4 });
  pool.on("error", () => undefined);
  // Lost while it is lent out, a connection fails its query; unheard, its event would end us.
  pool.on("connect", (client) => client.on("error", () => undefined));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  ends.push(() => db.destroy());
  const reader = new SnapshotReader(
    db,
    ponderOutbox({ gate }),
    chains,
    relay.publications.map(({ topic }) => topic),
  );
  if (parts.hasLocalPubsub) ends.push(await showReceived(relay, output));
  const showing = showSnapshots(reader, output, signal);
  ends.push(() => showing);
  return { relay, db, reader };
}
