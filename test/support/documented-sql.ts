import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PROJECT = join(import.meta.dirname, "../..");

/** Every block of SQL in the documents, but those that drop a schema which is an example. */
export function documentedSql(): { file: string; sql: string }[] {
  return globSync(["*.md", "docs/**/*.md", "packages/*/README.md"], { cwd: PROJECT }).flatMap(
    (file) =>
      [...readFileSync(join(PROJECT, file), "utf8").matchAll(/^( *)```sql\n(.*?)^ *```$/gms)]
        .map(([, , sql = ""]) => ({ file, sql }))
        .filter(({ sql }) => !/^\s*drop schema escrow_/.test(sql)),
  );
}
