import { readFileSync } from "node:fs";

/** The program of a page: its only code block that begins with `// <name>.mjs`. */
export function readmeProgram(path: string): { file: string; source: string } {
  const blocks = [...readFileSync(path, "utf8").matchAll(/```js\n(\/\/ (\S+\.mjs)\n.*?)```/gs)];
  const [block] = blocks;
  if (block === undefined || blocks.length > 1)
    throw new Error(`${path} has ${blocks.length} programs, expected one`);
  const [, source = "", file = ""] = block;
  return { file, source };
}
