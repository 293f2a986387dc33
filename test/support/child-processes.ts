import { execFileSync } from "node:child_process";

export type ChildInfo = { pid: number; command: string };

/** The processes that a process has started and that still run. */
export function childProcesses(parent: number): ChildInfo[] {
  return allProcesses()
    .filter(({ ppid }) => ppid === parent)
    .map(({ pid, command }) => ({ pid, command }));
}

/** Whether a process still runs; a dead one that nobody has reaped does not. */
export function isRunning({ pid, command }: ChildInfo): boolean {
  return allProcesses().some((each) => each.pid === pid && each.command === command);
}

function allProcesses(): (ChildInfo & { ppid: number })[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,command="], { encoding: "utf8" })
    .split("\n")
    .flatMap((line) => {
      const [, pid, ppid, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return command === undefined ? [] : [{ pid: Number(pid), ppid: Number(ppid), command }];
    });
}
