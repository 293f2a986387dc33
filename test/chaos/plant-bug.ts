import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyProject } from "../support/copy-project.ts";
import type { Patch } from "./planted-bugs.ts";

/**
 * Copies the project's sources and changes the copy: production code holds no switch for this.
 *
 * @returns the copy's folder
 * @throws when a text to replace is not found exactly once: the source has moved on
 */
export function plantBug(patches: Patch[]): string {
  const root = mkdtempSync(join(tmpdir(), "escrow-planted-"));
  copyProject(root, { tests: true });
  for (const { file, search, replace } of patches) {
    const path = join(root, file);
    const parts = readFileSync(path, "utf8").split(search);
    if (parts.length !== 2)
      throw new Error(`found ${parts.length - 1} times in ${file}, expected once: ${search}`);
    writeFileSync(path, parts.join(replace));
  }
  return root;
}
