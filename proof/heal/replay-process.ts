import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const SCRIPT = join(import.meta.dirname, "../../cli/replay.ts");

export type ReplayProcess = {
  /** First block of each chain from which on the two may differ, by chain id. */
  acceptsFrom: Record<number, number>;
  /** The indexer's. */
  env: NodeJS.ProcessEnv;
  /** Ends it in good order. */
  signal: AbortSignal;
  onLine: (text: string) => void;
};

/**
 * Replays the live deployment in a process of its own, which accepts what differs from some blocks on.
 *
 * @returns its exit code; null when it was killed
 */
export async function runReplayProcess({
  acceptsFrom,
  env,
  signal,
  onLine,
}: ReplayProcess): Promise<number | null> {
  const accepted = Object.entries(acceptsFrom).flatMap(([id, block]) => [
    "--accept-from",
    `${id}:${block}`,
  ]);
  const child = spawn(process.execPath, [SCRIPT, ...accepted], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => {
      const text = sentenceOf(line);
      if (text !== null) onLine(text);
    });
  try {
    const [code] = await once(child, "close");
    return code;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What the replay says, without its figures; null for its progress. */
function sentenceOf(line: string): string | null {
  try {
    const { text } = JSON.parse(line) as { text?: string };
    return text ?? null;
  } catch {
    return line;
  }
}
