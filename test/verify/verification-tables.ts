import { CHECKS } from "../../proof/verify/findings.ts";
import { CORRUPTIONS } from "./corruptions.ts";

/** Rows of the table of checks in docs/reference/checks.md. */
export function checkRows(): string {
  return Object.entries(CHECKS)
    .map(([check, meaning]) => `| \`${check}\` | ${meaning} |`)
    .join("\n");
}

/** Rows of the table of corruptions there. */
export function corruptionRows(): string {
  return Object.entries(CORRUPTIONS)
    .flatMap(([place, corruptions]) =>
      corruptions.map(({ name, check }) => `| ${place} | ${name} | \`${check}\` |`),
    )
    .join("\n");
}
