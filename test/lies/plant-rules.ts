import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SourceCode } from "./play-source.ts";
import type { SourceRule } from "./source-rules.ts";

const PROJECT = join(import.meta.dirname, "../..");
/** The source, and what it imports of ours. */
const ROOMS = ["source", "abis", "config", "db", "src", "package.json"];

/** A copy of the source in which a rule is switched off: production code holds no switch for this. */
export type PlantedSource = { code: SourceCode; remove(): void };

/** @throws when a text to replace is not there exactly once: the source has moved on */
export async function plantRule({ patches }: SourceRule): Promise<PlantedSource> {
  const root = mkdtempSync(join(tmpdir(), "escrow-rule-"));
  for (const room of ROOMS) cpSync(join(PROJECT, room), join(root, room), { recursive: true });
  symlinkSync(join(PROJECT, "node_modules"), join(root, "node_modules"));
  for (const { file, search, replace } of patches) {
    const path = join(root, file);
    const parts = readFileSync(path, "utf8").split(search);
    if (parts.length !== 2)
      throw new Error(`found ${parts.length - 1} times in ${file}, expected once: ${search}`);
    writeFileSync(path, parts.join(replace));
  }
  const load = (name: string) => import(/* @vite-ignore */ join(root, `source/${name}.ts`));
  const [{ answerEngine }, { chainEvidence }, { openSource }] = await Promise.all(
    ["answer-engine", "chain-evidence", "open-sources"].map(load),
  );
  return {
    code: { answerEngine, chainEvidence, openSource },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
