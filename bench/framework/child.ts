import { type ChildProcess, type ForkOptions, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { atEnd } from "./at-end.ts";

/** A process that the benchmark started and that never outlives it. */
export type Child = {
  pid: number;
  process: ChildProcess;
  /** The next message that it sends. Rejects when it ends before. */
  message: <Message>() => Promise<Message>;
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
  const ended = new Promise<string>((resolve) => {
    process.once("error", (error) => resolve(error.message));
    process.once("exit", (code, signal) => resolve(`exit ${signal ?? code}`));
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
