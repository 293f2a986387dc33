import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ENGINE_MENDS, type EngineMend } from "./engine-mends.ts";
import { ENGINE_SHORTCUTS } from "./engine-shortcuts.ts";

const ENGINE = join(import.meta.dirname, "../node_modules/ponder/dist/esm");

/**
 * Lets this process load the engine with its flaws mended (`cli/engine-mends.ts`) and without its
 * detours (`cli/engine-shortcuts.ts`). Nothing is changed on disk. Has to be called before the
 * engine is imported.
 *
 * @throws when the engine's code is not what the mends were made for: its version was changed, and
 *   somebody has to see whether they are still needed
 */
export function mendEngine(): void {
  const mended = new Map(
    [...Map.groupBy([...ENGINE_MENDS, ...ENGINE_SHORTCUTS], ({ file }) => file)].map(
      ([file, mends]) => {
        const path = join(ENGINE, file);
        return [pathToFileURL(path).href, mendSource(readFileSync(path, "utf8"), mends)];
      },
    ),
  );
  registerHooks({
    load: (url, context, nextLoad) => {
      const source = mended.get(url);
      return source === undefined
        ? nextLoad(url, context)
        : { format: "module", source, shortCircuit: true };
    },
  });
}

/** @throws when something that is to be mended does not stand there as often as it should */
export function mendSource(source: string, mends: readonly EngineMend[]): string {
  return mends.reduce((code, { file, find, times, replace }) => {
    const parts = code.split(find);
    if (parts.length !== times + 1)
      throw new Error(
        `The engine's ${file} has ${parts.length - 1} places that read as follows, and not ${times}. Its version must have changed: see cli/engine-mends.ts and cli/engine-shortcuts.ts whether what they change is still there.\n${find}`,
      );
    return parts.join(replace);
  }, source);
}
