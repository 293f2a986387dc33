import { type ChildProcess, type ForkOptions, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { atEnd } from "./at-end.ts";

/** A process that the benchmark started and that never survives it. */
export type Child = {
  pid: number;
  process: ChildProcess;
  /** The next message that it sends. Rejects when it ends before. */
  message: <Message>() => Promise<Message>;
  /** How it ended: `exit 1`, `exit SIGKILL`; null while it lives. */
  howEnded: () => string | null;
  /** Sends a signal and waits for the end. SIGKILL unless told otherwise. */
  end: (signal?: NodeJS.Signals) => Promise<void>;
  /** Waits until it ends by itself. Rejects when that is not with exit code 0. */
  done: () => Promise<void>;
};

/** Starts a TypeScript file as a process of its own that can send messages. */
export function forkChild(path: string, args: string[] = [], options: ForkOptions = {}): Child {
  return track(fork(path, args, options), path);
}

/**
 * Starts a command. Its output goes to our stderr unless `isQuiet`.
 *
 * @public for benchmarks of other programs
 */
export function spawnChild(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; isQuiet?: boolean } = {},
): Child {
  const { isQuiet = false, ...rest } = options;
  const output = isQuiet ? "ignore" : 2;
  return track(spawn(command, args, { ...rest, stdio: ["ignore", output, 2] }), command);
}

function track(process: ChildProcess, name: string): Child {
  let how: string | null = null;
  const ended = new Promise<string>((resolve) => {
    const end = (text: string): void => {
      how ??= text;
      resolve(how);
    };
    process.once("error", (error) => end(error.message));
    process.once("exit", (code, signal) => end(`exit ${signal ?? code}`));
  });
  const isOver = (): boolean => process.exitCode !== null || process.signalCode !== null;
  const kill = atEnd(async () => {
    if (!isOver()) process.kill("SIGKILL");
    await ended;
  });
  void ended.then(kill);
  return {
    pid: process.pid ?? 0,
    process,
    message: async () => {
      const gone = ended.then((how) => {
        throw new Error(`${name} ended before it answered: ${how}`);
      });
      const [message] = await Promise.race([once(process, "message"), gone]);
      return message;
    },
    howEnded: () => how,
    end: async (signal = "SIGKILL") => {
      if (!isOver()) process.kill(signal);
      await ended;
    },
    done: async () => {
      const how = await ended;
      if (how !== "exit 0") throw new Error(`${name} failed: ${how}`);
    },
  };
}
