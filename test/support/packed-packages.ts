import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { copyProject } from "./copy-project.ts";

/**
 * Packs every package as `npm publish` would, in a copy: while a package is packed its names lead to
 * JavaScript, and the other tests run from the clone.
 *
 * @returns the tarball of each package by its name
 */
export function packPackages(folder: string): Map<string, string> {
  const copy = join(folder, "clone");
  const tarballs = join(folder, "tarballs");
  copyProject(copy);
  mkdirSync(tarballs);
  const packed = new Map<string, string>();
  for (const name of readdirSync(join(copy, "packages"), { withFileTypes: true })) {
    if (!name.isDirectory()) continue;
    const output = execFileSync("npm", ["pack", "--json", "--pack-destination", tarballs], {
      cwd: join(copy, "packages", name.name),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [{ filename }] = Object.values(JSON.parse(output)) as [{ filename: string }];
    packed.set(`@escrow-stream/${name.name}`, join(tarballs, filename));
  }
  return packed;
}
