import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const INSTALLED = join(import.meta.dirname, "../../node_modules");
const OURS = "@escrow-stream";

/**
 * Gives a copy of the project the installed packages. Ours are linked to the copy's own folders:
 * linked as a whole, `node_modules` would lead each import by name back to the originals.
 */
export function linkPackages(copy: string): void {
  const target = join(copy, "node_modules");
  mkdirSync(join(target, OURS), { recursive: true });
  for (const name of readdirSync(INSTALLED))
    if (name !== OURS) symlinkSync(join(INSTALLED, name), join(target, name));
  for (const name of readdirSync(join(copy, "packages")))
    symlinkSync(join(copy, "packages", name), join(target, OURS, name));
}
