const tasks = new Set<() => unknown>();

/**
 * Has something undone when the benchmark ends, in whatever way it does.
 *
 * @returns a function that does it earlier, once
 */
export function atEnd(task: () => unknown): () => Promise<void> {
  tasks.add(task);
  return async () => {
    if (tasks.delete(task)) await task();
  };
}

/** Undoes everything that is left, the newest first, and whatever is added meanwhile. */
export async function endAll(): Promise<void> {
  for (let task = [...tasks].at(-1); task !== undefined; task = [...tasks].at(-1)) {
    tasks.delete(task);
    try {
      await task();
    } catch (error) {
      process.stderr.write(`while cleaning up: ${String(error)}\n`);
    }
  }
}
