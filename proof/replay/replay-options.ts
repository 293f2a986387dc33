import { parseArgs } from "node:util";
import { ConfigError, type ConfigProblem } from "../../config/config-error.ts";
import { parseDuration } from "../../config/parse-duration.ts";

export type ReplayOptions = {
  help: boolean;
  /** How long the old deployment stays after the swap; null keeps it for good. */
  graceMs: number | null;
  /** Build and compare, and swap nothing. */
  isDryRun: boolean;
  /** Swap although the two differ. */
  acceptsDifferences: boolean;
  /** Last block of each chain id; null builds to the end. */
  toBlocks: Record<number, number> | null;
  /** Differing rows that are shown of each table. */
  limit: number;
  /** Where a running `npm start` keeps its data. */
  dataDir: string;
};

export const REPLAY_HELP = `Builds the deployment anew from block zero, out of what the database holds of the chains, beside the
live one; compares the two row by row; lets the running indexer go on with the new one; and removes
the old one.

Usage: npm run replay -- [options]

  --dry-run              build and compare only
  --to-block <n>         build and compare up to a final block only; with several chains
                         <chain id>:<block>, once for each that is to be compared
  --accept-differences   go on with the new one although the two differ
  --grace <time>         how long the old one stays after the swap (default 60s)
  --keep                 keep the old one
  --limit <n>            differing rows to show of each table (default 20)
  --data-dir <folder>    data of a running npm start whose embedded database is meant when there is
                         no DATABASE_URL (default .data, or DATA_DIR)
  --help                 this text

Exit code: 0 done; 1 the two differ, or the new one could not be built; 75 try again later;
78 not usable as configured.`;

const FLAGS = ["dry-run", "accept-differences", "keep", "help"] as const;

/**
 * Reads the command line of `npm run replay`.
 *
 * @param chainIds the chains that are followed
 * @throws ConfigError with every problem found
 */
export function parseReplayOptions(
  args: string[],
  defaultDataDir: string,
): Omit<ReplayOptions, "toBlocks"> & { toBlock: string[] } {
  const { values } = parseArgs({
    args,
    options: {
      ...Object.fromEntries(FLAGS.map((name) => [name, { type: "boolean" as const }])),
      grace: { type: "string", default: "60s" },
      limit: { type: "string", default: "20" },
      "data-dir": { type: "string" },
      "to-block": { type: "string", multiple: true },
    },
  }) as { values: Record<string, string | boolean | string[] | undefined> };
  const problems: ConfigProblem[] = [];
  const graceMs = parseDuration(String(values.grace));
  if (Number.isNaN(graceMs))
    problems.push({
      where: "--grace",
      what: `"${values.grace}" is not a time: expected a number with ms, s, m or h, such as 90s`,
    });
  const limit = Number(values.limit);
  if (!Number.isSafeInteger(limit) || limit < 0 || values.limit === "")
    problems.push({ where: "--limit", what: `"${values.limit}" is not a number of rows` });
  const toBlock = (values["to-block"] ?? []) as string[];
  if (toBlock.length > 0 && values["accept-differences"])
    problems.push({
      where: "--accept-differences",
      what: "with --to-block nothing is ever swapped: leave one of the two out",
    });
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    help: values.help === true,
    graceMs: values.keep ? null : graceMs,
    isDryRun: values["dry-run"] === true || toBlock.length > 0,
    acceptsDifferences: values["accept-differences"] === true,
    limit,
    dataDir: String(values["data-dir"] || defaultDataDir),
    toBlock,
  };
}

/**
 * Reads `--to-block`: a number when one chain is followed, otherwise `<chain id>:<number>`.
 *
 * @returns last block of each chain that is named; null when none is
 * @throws ConfigError with every problem found
 */
export function parseToBlocks(values: string[], chainIds: number[]): Record<number, number> | null {
  if (values.length === 0) return null;
  const problems: ConfigProblem[] = [];
  const blocks: Record<number, number> = {};
  for (const value of values) {
    const [, chain, block] = /^(?:(\d+):)?(\d+)$/.exec(value.trim()) ?? [];
    const chainId = chain === undefined && chainIds.length === 1 ? chainIds[0] : Number(chain);
    if (block === undefined || chainId === undefined || !chainIds.includes(chainId)) {
      const expected =
        chainIds.length === 1
          ? "a block number"
          : `<chain id>:<block> with one of the chains ${chainIds.join(", ")}`;
      problems.push({ where: "--to-block", what: `"${value}": expected ${expected}` });
    } else if (chainId in blocks)
      problems.push({ where: "--to-block", what: `chain ${chainId} is named twice` });
    else blocks[chainId] = Number(block);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return blocks;
}
