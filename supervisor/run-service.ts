import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseRelayConfig, type RelayConfig, TopicUnusable } from "@escrow-stream/relay";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { ConfigError } from "../config/config-error.ts";
import { parseChains } from "../config/parse-chains.ts";
import { checkDatabase } from "../db/check-database.ts";
import { waitForViews } from "../engine/ensure-views.ts";
import { checkChains } from "../engine/preflight/check-chains.ts";
import { releaseEngineLock } from "../engine/release-engine-lock.ts";
import { freePort } from "../local/free-port.ts";
import { startLocalParts } from "../local/start-local-parts.ts";
import { watchTopics } from "../local/watch-topics.ts";
import { PubsubTopics } from "../packages/relay/publish/pubsub-topics.ts";
import { checkConfiguration } from "./check-configuration.ts";
import { checkPorts } from "./check-ports.ts";
import type { SeenMessage } from "./live-view.ts";
import { jsonOutput, type Output, terminalOutput } from "./output.ts";
import { SnapshotReader } from "./snapshot.ts";
import type { StartOptions } from "./start-options.ts";
import { SupervisedProcess } from "./supervised-process.ts";
import { waitUntilPublished } from "./wait-until-published.ts";

type Env = NodeJS.ProcessEnv;

const SNAPSHOT_MS = 500;
/** The relay's live data is small; without these V8 lets garbage pile up (as in `npm run relay`). */
const RELAY_FLAGS = ["--max-old-space-size=160", "--max-semi-space-size=8"];
const DRAIN_TIMEOUT_MS = 180_000;

/**
 * Runs the whole service until Ctrl-C, or for the time that the options say: the parts that are not
 * configured, the indexer, the query side and the relay.
 *
 * @returns the exit code: 0 after a signal or when published and indexed agree, 1 when they do not
 * @throws ConfigError and the like before anything is half-done
 */
export async function runService(options: StartOptions, givenEnv: Env): Promise<number> {
  if (!givenEnv.PUBSUB_PROJECT_ID || givenEnv.PUBSUB_EMULATOR_HOST)
    // Off Google Cloud the client library would look for its metadata server for seconds.
    givenEnv.METADATA_SERVER_DETECTION ??= "none";
  checkConfiguration(givenEnv);
  await checkPorts(givenEnv);
  const startedMs = performance.now();
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());

  const dataDir = resolve(options.dataDir);
  const parts = await startLocalParts(givenEnv, { ...options, dataDir });
  const cleanUp: (() => Promise<unknown>)[] = [() => parts.stop()];
  try {
    const env: Env = { ...givenEnv, ...parts.env };
    env.API_PORT = String(Number(env.API_PORT) || (await freePort()));
    const chains = parseChains(env);
    const relay = parseRelayConfig(env);
    await checkDatabase(relay.databaseUrl);
    await checkChains(chains, (text) => parts.lines.push(`Note        ${text}`));
    await ensureTopics(relay);

    const apiUrl = `http://${env.API_HOST || "127.0.0.1"}:${env.API_PORT}`;
    parts.lines.push(`API         ${apiUrl}/graphql  ${apiUrl}/v1/escrows`);
    const output = process.stdout.isTTY
      ? terminalOutput(parts.lines, resolve(dataDir, "logs"), apiUrl)
      : jsonOutput(parts.lines);
    let summary: object | null = null;
    cleanUp.push(async () => output.close(summary));

    const pool = new pg.Pool({ connectionString: relay.databaseUrl, max: 4 });
    pool.on("error", () => undefined);
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    cleanUp.push(() => db.destroy());
    const reader = new SnapshotReader(
      db,
      chains,
      relay.publications.map(({ topic }) => topic),
    );

    if (parts.hasLocalPubsub) cleanUp.push(await watch(relay, output));
    const failure = superviseAll(env, relay.databaseUrl, output, stop.signal, cleanUp);
    const view = showSnapshots(reader, output, stop.signal);
    cleanUp.push(() => view);

    const timeIsUp =
      options.forMs === null
        ? new Promise<never>(() => undefined)
        : setTimeout(options.forMs, "time is up" as const);
    const why = await Promise.race([timeIsUp, failure, aborted(stop.signal)]);
    if (why === "gave up") return 1;
    if (why === "stopped") return 0;

    await parts.settleChain();
    const drained = await waitUntilPublished(db, reader, {
      publications: relay.publications,
      untilFinal: parts.hasLocalChain,
      timeoutMs: DRAIN_TIMEOUT_MS,
      signal: stop.signal,
    });
    const { snapshot, missing, isIndexed } = drained;
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    summary = {
      chains: snapshot.chains,
      escrows: snapshot.escrows,
      events: snapshot.events,
      published: Object.fromEntries(snapshot.publications.map((p) => [p.topic, p.published])),
      anomalies: snapshot.anomalies,
      seconds,
    };
    const agrees = isIndexed && Object.values(missing).every((count) => count === 0);
    if (!agrees)
      output.notice(
        `published and indexed do not agree: ${isIndexed ? "" : "the chain is not indexed to its head; "}missing ${JSON.stringify(missing)}`,
      );
    return agrees ? 0 : 1;
  } finally {
    stop.abort();
    for (const one of cleanUp.reverse()) await one();
  }
}

async function ensureTopics(relay: RelayConfig): Promise<void> {
  const topics = new PubsubTopics(relay.pubsub);
  try {
    for (const { topic } of relay.publications) await topics.ensure(topic, relay.createTopics);
  } catch (error) {
    if (error instanceof TopicUnusable) throw error;
    const where = relay.pubsub.emulatorHost ? "PUBSUB_EMULATOR_HOST" : "PUBSUB_PROJECT_ID";
    throw new ConfigError([{ where, what: (error as Error).message, mayPass: true }]);
  } finally {
    await topics.close();
  }
}

async function watch(relay: RelayConfig, output: Output): Promise<() => Promise<void>> {
  const { projectId, emulatorHost = "" } = relay.pubsub;
  const topics = relay.publications.map(({ topic }) => topic);
  return await watchTopics({ projectId, emulatorHost }, topics, (topic, { attributes, data }) => {
    if (attributes.event_id === undefined) return;
    const amountWei = JSON.parse(data.toString()).amount;
    const seen: SeenMessage = {
      topic,
      type: attributes.event_type ?? "",
      escrow: attributes.escrow_address ?? "",
      sequence: attributes.sequence ?? "",
    };
    output.message(amountWei === undefined ? seen : { ...seen, amountWei });
  });
}

/** Starts the three processes and keeps them running. Resolves when one of them is beyond help. */
function superviseAll(
  env: Env,
  databaseUrl: string,
  output: Output,
  signal: AbortSignal,
  cleanUp: (() => Promise<unknown>)[],
): Promise<"gave up"> {
  const { promise, resolve: giveUp } = Promise.withResolvers<"gave up">();
  let indexedSchema: string | null = null;
  const engineLock = {
    onMessage: (message: unknown) => {
      indexedSchema = (message as { schema?: string }).schema ?? indexedSchema;
    },
    afterExit: async () => {
      if (indexedSchema !== null) await releaseEngineLock(databaseUrl, indexedSchema);
    },
  };
  const processes = ["indexer", "relay", "api"].map((name) => {
    let lastLine = "";
    return new SupervisedProcess({
      name,
      args: [
        ...(name === "relay" ? RELAY_FLAGS : []),
        resolve(import.meta.dirname, `../cli/${name}.ts`),
      ],
      env,
      onLine: (line) => {
        lastLine = line;
        output.line(name, line);
      },
      onRestart: (exit, waitMs) =>
        output.notice(
          `${name} ended (${exit}) and is started again in ${waitMs / 1000} s: ${lastLine}`,
        ),
      onGivenUp: (exit) => {
        output.notice(`${name} ended (${exit}) and starting it again does not help: ${lastLine}`);
        giveUp("gave up");
      },
      ...(name === "indexer" ? engineLock : {}),
    });
  });
  const [indexer, relay, api] = processes;
  indexer?.start();
  relay?.start();
  // The query side reads the views, which exist once the engine has made its tables.
  void waitForViews(databaseUrl, signal).then((areThere) => {
    if (areThere) api?.start();
  });
  cleanUp.push(() => Promise.all(processes.map((each) => each.stop())));
  return promise;
}

async function showSnapshots(
  reader: SnapshotReader,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      output.snapshot(await reader.read());
    } catch (error) {
      output.notice(`the state cannot be read: ${(error as Error).message}`);
    }
    await setTimeout(SNAPSHOT_MS, undefined, { signal }).catch(() => undefined);
  }
}

function aborted(signal: AbortSignal): Promise<"stopped"> {
  return new Promise((done) =>
    signal.addEventListener("abort", () => done("stopped"), { once: true }),
  );
}
