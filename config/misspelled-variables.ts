import { OLDER_RELAYER } from "./older-relayer.ts";
import type { Env } from "./section.ts";
import { VARIABLES, type Variable } from "./variables.ts";

/** Only ours begin like this. */
const OUR_PREFIXES =
  /^(RELAY|INDEXER|AUDIT_RPC|RPC_URL|RPC_REQUESTS|RPC_MAX|RPC_AGREE|PUBLICATIONS?|DEPLOYMENTS?)(_|$)/;
/** Two typing mistakes in a long name, one in a short one. */
const LONG_NAME = 8;

/**
 * Names in the environment that nobody reads and that look like one of ours, with a hint for each.
 * Values are not looked at.
 */
export function misspelledVariables(env: Env): string[] {
  return Object.keys(env)
    .filter((name) => env[name] !== "" && env[name] !== undefined && !isKnown(name))
    .flatMap((name) => {
      const meant = nearest(name);
      if (meant !== null)
        return [`${name} is set, but there is no such variable: is ${meant} meant?`];
      return OUR_PREFIXES.test(name)
        ? [
            `${name} is set, but there is no such variable: docs/reference/configuration.md lists all.`,
          ]
        : [];
    });
}

function isKnown(name: string): boolean {
  const family = name.replace(/_\d+$/, "");
  const perChain: Variable | undefined = VARIABLES[family as keyof typeof VARIABLES];
  return (
    name in VARIABLES || name in OLDER_RELAYER || (family !== name && perChain?.isPerChain === true)
  );
}

function nearest(name: string): string | null {
  const chain = /_\d+$/.exec(name)?.[0] ?? "";
  const found = Object.entries(VARIABLES as Record<string, Variable>).flatMap(
    ([known, { isPerChain }]) => {
      const candidate = isPerChain ? known + chain : known;
      const mistakes = distance(name, candidate);
      return mistakes <= (candidate.length < LONG_NAME ? 1 : 2) ? [{ candidate, mistakes }] : [];
    },
  );
  return found.sort((a, b) => a.mistakes - b.mistakes)[0]?.candidate ?? null;
}

/**
 * Typing mistakes between two words: letters left out, added, replaced, or two neighbours swapped
 * (optimal string alignment: https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance).
 */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  const at = (row: number, column: number): number =>
    rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const differs = a[i - 1] === b[j - 1] ? 0 : 1;
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      (rows[i] as number[])[j] = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + differs,
        isSwap ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return at(a.length, b.length);
}
