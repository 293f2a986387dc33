import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const PROJECT = join(import.meta.dirname, "../..");
const GOLDEN = join(PROJECT, "test/golden");
const SCOPE = "@escrow-stream";

/**
 * Installs the relay of version 0.2.0, which knows no feed, as it was packed then.
 *
 * @param folder an empty one
 * @returns the program that runs it as `relay-main.ts` runs the relay of now
 */
export function installOldRelay(folder: string): string {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, SCOPE), { recursive: true });
  for (const name of readdirSync(join(PROJECT, "node_modules")))
    if (name !== SCOPE) symlinkSync(join(PROJECT, "node_modules", name), join(modules, name));
  for (const name of ["messages", "relay"]) {
    const target = join(modules, SCOPE, name);
    mkdirSync(target);
    const tarball = join(GOLDEN, `${name}-0.2.0.tgz`);
    execFileSync("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
  }
  const main = join(folder, "relay-main.ts");
  cpSync(join(import.meta.dirname, "relay-main.ts"), main);
  return main;
}
