import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** What stands in for a part that is not configured. */
export type EmbeddedPart = {
  /** For messages: what it is. */
  name: string;
  /** One line for a person: where it is. */
  line: string;
  /** What the other parts need to know of it. */
  env: Record<string, string>;
  /** Its process; none when it runs in ours. */
  process?: ChildProcess;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** Ends it at once; what it has written survives. */
  kill(): void;
};

/** The port that a variable names; without one the system chooses. */
export function portOf(variable: string | undefined): { port?: number } {
  return Number(variable) > 0 ? { port: Number(variable) } : {};
}

/** Resolves with how a process ended: the signal, or its exit code. */
export async function endOf(child: ChildProcess): Promise<string> {
  const [code, signal] = await once(child, "exit");
  return signal ?? `exit code ${code}`;
}
