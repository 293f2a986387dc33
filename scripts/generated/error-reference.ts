import {
  ERRORS,
  type ErrorCode,
  type ErrorEntry,
  exitCodeOf,
} from "../../config/error-catalogue.ts";
import { readSources } from "./sources.ts";

const CATALOGUE = "config/error-catalogue.ts";

/**
 * The page of all errors.
 *
 * @throws when a source uses a code that the catalogue lacks, or none uses one of the catalogue
 */
export function errorReference(root: string): string {
  const used = new Set(
    readSources(root)
      .filter(({ path }) => path !== CATALOGUE)
      .flatMap(({ text }) => text.match(/\bES-[A-Z]+(?:-[A-Z]+)*\b/g) ?? []),
  );
  const unknown = [...used].filter((code) => !(code in ERRORS));
  const unused = Object.keys(ERRORS).filter((code) => !used.has(code));
  if (unknown.length + unused.length > 0)
    throw new Error(
      `${CATALOGUE}: without an entry: ${unknown.join(", ") || "none"}; used nowhere: ${unused.join(", ") || "none"}`,
    );
  const entries = (Object.keys(ERRORS) as ErrorCode[]).map((code) => {
    const { class: kind, cause, remedy }: ErrorEntry = ERRORS[code];
    return [
      `## ${code}`,
      `${kind === "retryable" ? "Retryable" : "Permanent"}; a process that ends because of it exits with ${exitCodeOf(code)}.`,
      `**Cause.** ${cause}`,
      `**Remedy.** ${remedy}`,
    ].join("\n\n");
  });
  return `${[
    "# Errors",
    "<!-- Made by `npm run generate` from config/error-catalogue.ts. Do not edit. -->",
    "A process that fails prints a line for each thing that is wrong: its code, where, and what. Codes are stable. *Retryable*: starting or trying again may help without anybody's doing. *Permanent*: it will not. Exit codes: 75 retryable, 78 permanent, 1 a command did its work and the answer is no.",
    ...entries,
  ].join("\n\n")}\n`;
}
