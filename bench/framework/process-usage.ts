import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/** What a process and everything below it took of the machine. */
export type Usage = {
  /** User and system time together, in seconds. */
  cpuSeconds: number;
  /**
   * The most resident memory, in MB: each process's own peak (VmHWM), added up over those that
   * lived at the same time. Memory that processes share counts once for each.
   */
  peakMemoryMb: number;
};

const TICKS_PER_SECOND = 100;
// Reading all of /proc costs milliseconds.
const LOOK_EVERY_MS = 250;

type Process = { pid: number; parent: number; cpuSeconds: number; peakMemoryMb: number };

/**
 * Watches a process tree from now on, through /proc, which only Linux has: elsewhere both numbers
 * are NaN. What happened in the last quarter of a second of a process that ends by itself is missing.
 *
 * @param isAlone leaves out the processes below it
 * @returns a function that ends the watch; call it before the process is killed
 */
export function watchUsage(pid: number, { isAlone = false } = {}): () => Promise<Usage> {
  const lookAt = (): Process[] => (isAlone ? itself(pid) : treeOf(pid));
  const atStart = new Map(lookAt().map((each) => [each.pid, each.cpuSeconds]));
  const stopped = new AbortController();
  let cpuSeconds = process.platform === "linux" ? 0 : Number.NaN;
  let peakMemoryMb = cpuSeconds;

  const look = (): void => {
    const tree = lookAt();
    if (tree.length === 0) return;
    const cpu = tree.map((each) => each.cpuSeconds - (atStart.get(each.pid) ?? 0));
    cpuSeconds = Math.max(cpuSeconds, sum(cpu));
    peakMemoryMb = Math.max(peakMemoryMb, sum(tree.map((each) => each.peakMemoryMb)));
  };
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      look();
      await setTimeout(LOOK_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();

  return async () => {
    look();
    stopped.abort();
    await watching;
    return { cpuSeconds, peakMemoryMb };
  };
}

function itself(pid: number): Process[] {
  return process.platform === "linux" ? [readProcess(pid) ?? []].flat() : [];
}

/** The process and its descendants; none when it is gone. */
function treeOf(root: number): Process[] {
  if (process.platform !== "linux") return [];
  const all = readdirSync("/proc").flatMap((name) =>
    /^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : [],
  );
  const tree = all.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree;
}

/** proc(5): fields 4 (parent) and 14 to 17 (own and waited-for children's time) of `stat`. */
function readProcess(pid: number): Process | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field, the command in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = fields.slice(11, 15).map(Number);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const peakKb = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    return {
      pid,
      parent: Number(fields[1]),
      cpuSeconds: sum(ticks) / TICKS_PER_SECOND,
      peakMemoryMb: peakKb / 1024,
    };
  } catch {
    return null;
  }
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
