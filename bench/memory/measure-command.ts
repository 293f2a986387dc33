import { join } from "node:path";
import { spawnChild } from "../framework/child.ts";
import { type Usage, watchUsage } from "../framework/process-usage.ts";
import type { Command, Ground } from "./commands.ts";

const CLI = join(import.meta.dirname, "../../cli");

export type CommandUsage = Usage & { seconds: number };

/**
 * Runs a command as `npm run` does, and watches what it takes.
 *
 * @throws when it ends with another exit code than 0
 */
export async function measureCommand(
  { main, args, isAlone = false, after }: Command,
  ground: Ground,
  env: NodeJS.ProcessEnv,
): Promise<CommandUsage> {
  const startedMs = performance.now();
  const child = spawnChild(process.execPath, [join(CLI, `${main}.ts`), ...args(ground)], {
    env: { ...process.env, ...env },
    isQuiet: true,
  });
  const endWatch = watchUsage(child.pid, { isAlone });
  try {
    await child.done();
  } finally {
    after?.(ground);
  }
  return { ...(await endWatch()), seconds: (performance.now() - startedMs) / 1000 };
}
