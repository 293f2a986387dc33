import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type Exit = { code: number | null; signal: NodeJS.Signals | null };

export type ServiceOptions = {
  /** Without it the process knows nothing but where programs and temporary folders are. */
  env?: Record<string, string>;
  args?: string[];
  /** Another copy of the project. */
  root?: string;
};

const PROJECT = join(import.meta.dirname, "../..");
const INHERITED = ["PATH", "HOME", "TMPDIR", "NODE_V8_COVERAGE", "NODE_COMPILE_CACHE"];

type Command =
  | "start"
  | "indexer"
  | "relay"
  | "witness"
  | "api"
  | "state"
  | "export"
  | "import"
  | "audit"
  | "audit-topic"
  | "rebuild"
  | "verify"
  | "replay"
  | "heal"
  | "db-roles"
  | "keys";

/** One of the project's commands as a process of its own, as a user would start it. */
export class ServiceProcess {
  readonly lines: string[] = [];
  readonly stdoutLines: string[] = [];
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;

  /** @param command file name in `cli/` without its ending */
  constructor(command: Command, options: ServiceOptions = {}) {
    const { env = {}, args = [], root = PROJECT } = options;
    const inherited = INHERITED.flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    );
    this.#child = spawn(process.execPath, [join(root, "cli", `${command}.ts`), ...args], {
      cwd: root,
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { stdout, stderr } = this.#child;
    if (stdout)
      createInterface({ input: stdout }).on("line", (line) => {
        this.lines.push(line);
        this.stdoutLines.push(line);
      });
    if (stderr) createInterface({ input: stderr }).on("line", (line) => this.lines.push(line));
    // "close" and not "exit": only then has everything it said been read.
    this.exited = once(this.#child, "close").then(([code, signal]) => ({ code, signal }));
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error("the process did not start");
    return pid;
  }

  /** Everything it has said, for an error message. */
  get output(): string {
    return this.lines.join("\n");
  }

  /** Ctrl-C's polite sister; resolves when it is gone. Does nothing when it ended already. */
  stop(): Promise<Exit> {
    this.#child.kill("SIGTERM");
    return this.exited;
  }

  /** Ctrl-C, as far as this process alone hears it. */
  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  /** Ends it as a crash of the machine would: it cannot do anything about it. */
  kill(): Promise<Exit> {
    this.#child.kill("SIGKILL");
    return this.exited;
  }
}
