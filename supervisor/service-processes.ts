import { resolve } from "node:path";
import { waitForViews } from "../engine/ensure-views.ts";
import { releaseEngineLock } from "../engine/release-engine-lock.ts";
import { plainLogLine } from "./log-line.ts";
import type { Output } from "./output.ts";
import { SupervisedProcess } from "./supervised-process.ts";

const NAMES = ["indexer", "relay", "witness", "api"] as const;
type Name = (typeof NAMES)[number];

/** Live data is small; without these V8 lets garbage pile up (as in `npm run relay`). */
const FLAGS: Partial<Record<Name, string[]>> = {
  relay: ["--max-old-space-size=160", "--max-semi-space-size=8"],
  witness: ["--max-old-space-size=256", "--max-semi-space-size=8"],
  // Ten of the largest answers at once fit in.
  api: ["--max-old-space-size=256", "--max-semi-space-size=16"],
};

/** What takes longest to load of a process that everybody waits for. */
const PRELOAD: Partial<Record<Name, string>> = {
  indexer: import.meta.resolve("../engine/preload-engine.ts"),
  relay: import.meta.resolve("@escrow-stream/relay"),
};

/** The database as the role of each process; the witness's is the indexer's. */
export type DatabaseUrls = { indexer: string; relay: string; api: string };

/** Set to nothing, a variable is not set, whatever `.env` says. */
const NO_DATABASE = { RELAY_DATABASE_URL: "", API_DATABASE_URL: "", ADMIN_DATABASE_URL: "" };

export type ServiceProcessesOptions = {
  /** What is known from the beginning. */
  env: NodeJS.ProcessEnv;
  output: Output;
  /** Ends the wait for what the API has to wait for. */
  signal: AbortSignal;
};

/** Indexer, relay, witness and API, each a process that is kept running. */
export class ServiceProcesses {
  readonly #options: ServiceProcessesOptions;
  readonly #processes: Record<Name, SupervisedProcess>;
  readonly #failed = Promise.withResolvers<string>();
  #databaseUrl = "";
  #indexedSchema: string | null = null;

  constructor(options: ServiceProcessesOptions) {
    this.#options = options;
    this.#processes = {
      indexer: this.#supervise("indexer", {
        onMessage: (message) => {
          this.#indexedSchema = (message as { schema?: string }).schema ?? this.#indexedSchema;
        },
        afterExit: async () => {
          if (this.#indexedSchema !== null)
            await releaseEngineLock(this.#databaseUrl, this.#indexedSchema);
        },
      }),
      relay: this.#supervise("relay"),
      witness: this.#supervise("witness"),
      api: this.#supervise("api"),
    };
  }

  /** Resolves, saying so, when one of them is beyond help. */
  get failed(): Promise<string> {
    return this.#failed.promise;
  }

  /** Has indexer and relay load their code while the embedded parts start. */
  prepare(): void {
    this.#processes.indexer.prepare();
    this.#processes.relay.prepare();
  }

  /**
   * @param urls the database as the role of each: no process gets another's
   * @param env what was not known from the beginning: where the embedded parts are
   * @param hasWitness whether anything that is published as final waits for one
   */
  start(urls: DatabaseUrls, env: Record<string, string>, hasWitness: boolean): void {
    this.#databaseUrl = urls.indexer;
    const as = (url: string) => ({ ...env, ...NO_DATABASE, DATABASE_URL: url });
    this.#processes.indexer.start(as(urls.indexer));
    this.#processes.relay.start(as(urls.relay));
    if (hasWitness) this.#processes.witness.start(as(urls.indexer));
    // The query side reads the views, which exist once the engine has made its tables.
    void waitForViews(urls.indexer, this.#options.signal)
      .then((areThere) => {
        if (areThere) this.#processes.api.start(as(urls.api));
      })
      // Without a database the indexer and the relay say so.
      .catch(() => undefined);
  }

  /** Ends them in good order, saying who is still waited for. */
  async stop(): Promise<void> {
    const left = new Set<Name>(NAMES);
    await Promise.all(
      NAMES.map(async (name) => {
        await this.#processes[name].stop();
        left.delete(name);
        if (left.size > 0)
          this.#options.output.state(
            `stopping: waiting for ${[...left].join(", ")}; Ctrl-C ends all by force`,
          );
      }),
    );
  }

  /** Ends them at once. What the relay had in flight is in doubt, and found out at its next start. */
  kill(): void {
    for (const name of NAMES) this.#processes[name].kill();
  }

  #supervise(
    name: Name,
    more: Partial<ConstructorParameters<typeof SupervisedProcess>[0]> = {},
  ): SupervisedProcess {
    const { env, output } = this.#options;
    const script = resolve(import.meta.dirname, `../cli/${name}.ts`);
    const preload = PRELOAD[name];
    let lastLine = "";
    return new SupervisedProcess({
      name,
      args: [...(FLAGS[name] ?? []), script],
      env,
      ...(preload === undefined ? {} : { preload }),
      onLine: (line) => {
        lastLine = line;
        output.line(name, line);
      },
      onRestart: (exit, waitMs) =>
        output.notice(
          `${name} ended (${exit}) and is started again in ${waitMs / 1_000} s: ${plainLogLine(lastLine)}`,
        ),
      onGivenUp: (exit) =>
        this.#failed.resolve(
          `ES-GAVE-UP: ${name} ended (${exit}) and starting it again does not help: ${plainLogLine(lastLine)}`,
        ),
      ...more,
    });
  }
}
