import { ConfigError } from "../config/config-error.ts";
import recorded from "./engine-files.json" with { type: "json" };
import { type EngineFiles, readEngineFiles } from "./engine-files.ts";

/**
 * Makes sure that the engine is the one that this project was tested with: its version, with
 * everything in `patches/` and nothing else. Without a patch it loses events.
 *
 * @throws ConfigError that names the first file that differs
 */
export function checkEngine(
  installed: EngineFiles = readEngineFiles(),
  expected: EngineFiles = recorded,
): void {
  const paths = new Set([...Object.keys(expected), ...Object.keys(installed)]);
  const different = [...paths].filter((path) => installed[path] !== expected[path]);
  const [first] = different;
  if (first === undefined) return;
  const others = different.length === 1 ? "" : ` (and ${different.length - 1} more)`;
  throw new ConfigError([
    {
      where: `node_modules/${first}${others}`,
      what: "is not the engine's file with the patches of patches/; run `npm run setup`, and when that does not help, delete node_modules before it",
    },
  ]);
}
