import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { EXIT_RETRY } from "../config/error-catalogue.ts";
import { checkPorts } from "../local/check-ports.ts";
import { type LocalParts, startLocalParts } from "../local/start-local-parts.ts";
import { checkConfiguration } from "./check-configuration.ts";
import { type End, endAll } from "./end-all.ts";
import { jsonOutput } from "./json-output.ts";
import { ServiceProcesses } from "./service-processes.ts";
import type { StartOptions } from "./start-options.ts";
import { type Service, startService } from "./start-service.ts";
import { StopRequest } from "./stop-request.ts";
import { disagreementOf, type Summary, summaryOf } from "./summary.ts";
import { terminalOutput } from "./terminal-output.ts";
import { waitUntilPublished } from "./wait-until-published.ts";
import { wantedPorts } from "./wanted-ports.ts";

const DRAIN_TIMEOUT_MS = 180_000;
/** As long as what was killed may take to be gone. */
const FORCE_MS = 3_000;
/** What a shell says of a program that Ctrl-C ended. */
const EXIT_FORCED = 130;

const STARTING = "starting PostgreSQL, Pub/Sub and the chain";
const DRAINING = "time is up: waiting until everything is final and published";
const STOPPING = "stopping: the relay finishes what is in flight";
const ASKED = `${STOPPING}; Ctrl-C again ends all by force`;
const FORCED = "stopping by force: what was in flight is in doubt, and resolved at the next start";

/**
 * Runs the whole service until Ctrl-C, or for the time that the options say: the parts that are not
 * configured, the indexer, the query side and the relay.
 *
 *   starting ──► running ──time is up──► draining ──► stopping ──► gone
 *       │           └── Ctrl-C, or something is beyond help ──► stopping ──Ctrl-C──► forced ──► gone
 *       └── ConfigError
 *
 * @returns the exit code: 0 after a signal or when published and indexed agree, 1 when they do not
 *   or a process is beyond help, 75 when an embedded part ended, 130 when it was forced
 * @throws ConfigError and the like before anything is half-done
 */
export async function runService(
  options: StartOptions,
  givenEnv: NodeJS.ProcessEnv,
): Promise<number> {
  if (!givenEnv.PUBSUB_PROJECT_ID || givenEnv.PUBSUB_EMULATOR_HOST)
    // Off Google Cloud the client library would look for its metadata server for seconds.
    givenEnv.METADATA_SERVER_DETECTION ??= "none";
  await checkPorts(wantedPorts(checkConfiguration(givenEnv)));
  const startedMs = performance.now();
  const dataDir = resolve(options.dataDir);
  const output = process.stdout.isTTY ? terminalOutput(resolve(dataDir, "logs")) : jsonOutput();
  let summary: Summary | null = null;
  let exitCode = 0;
  const ends: End[] = [() => output.close(summary)];
  const kills: (() => void)[] = [];
  const force = (): void => {
    exitCode = EXIT_FORCED;
    output.state(FORCED);
    for (const kill of kills) kill();
    setTimeout(FORCE_MS, undefined, { ref: false }).then(() => process.exit(EXIT_FORCED));
  };
  const stop = new StopRequest(() => output.state(ASKED), force);
  try {
    output.state(STARTING);
    const partEnded = Promise.withResolvers<string>();
    const onEnded = (name: string, exit: string): void => partEnded.resolve(endedPart(name, exit));
    const processes = new ServiceProcesses({ env: givenEnv, output, signal: stop.signal });
    kills.push(() => processes.kill());
    let parts: LocalParts | null = null;
    ends.push(
      () => parts?.stop(),
      () => processes.stop(),
    );
    processes.prepare();
    parts = await startLocalParts(givenEnv, { ...options, dataDir, onEnded });
    kills.push(() => parts?.kill());
    if (exitCode === EXIT_FORCED) parts.kill();
    // Asked to stop meanwhile: nothing more is begun.
    stop.signal.throwIfAborted();
    const service = await startService({
      givenEnv,
      dataDir,
      parts,
      processes,
      output,
      signal: stop.signal,
      ends,
    });
    const why = await Promise.race([
      stop.requested.then(() => "asked to" as const),
      timeIsUp(options.forMs),
      partEnded.promise.then((problem) => ({ problem, code: EXIT_RETRY })),
      processes.failed.then((problem) => ({ problem, code: 1 })),
    ]);
    if (why === "time is up") {
      output.state(DRAINING);
      const drained = await drain(parts, service, stop.signal);
      summary = summaryOf(drained, performance.now() - startedMs);
      const problem = disagreementOf(drained);
      if (problem !== null) output.notice(problem);
      exitCode ||= problem === null ? 0 : 1;
    } else if (why !== "asked to") {
      output.notice(why.problem);
      exitCode = why.code;
    }
    if (!stop.signal.aborted) output.state(STOPPING);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    stop.end();
    await endAll(ends);
  }
  return exitCode;
}

function timeIsUp(afterMs: number | null): Promise<"time is up"> {
  if (afterMs === null) return new Promise(() => undefined);
  return setTimeout(afterMs, "time is up" as const);
}

function endedPart(name: string, exit: string): string {
  return `the embedded ${name} ended (${exit}), so everything stops; npm start goes on where it was`;
}

async function drain(
  parts: LocalParts,
  { db, reader, relay }: Service,
  signal: AbortSignal,
): ReturnType<typeof waitUntilPublished> {
  await parts.makeChainFinal();
  return await waitUntilPublished(db, reader, {
    publications: relay.publications,
    untilFinal: parts.hasLocalChain,
    timeoutMs: DRAIN_TIMEOUT_MS,
    signal,
  });
}
