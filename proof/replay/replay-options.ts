import { ConfigError, type ConfigProblem } from "../../config/config-error.ts";

export type ReplayOptions = {
  /** How long the old deployment stays after the swap; null keeps it for good. */
  graceMs: number | null;
  /** Build and compare, and swap nothing. */
  isDryRun: boolean;
  /** Swap although the two differ. */
  acceptsDifferences: boolean;
  /**
   * Swap when they differ only from these blocks on, by chain id: in rows that something in them has
   * touched. On other chains nothing may differ; null allows nothing.
   */
  acceptsFrom: Record<number, number> | null;
  /** Last block of each chain id; null builds to the end. */
  toBlocks: Record<number, number> | null;
  /** Differing rows that are shown of each table. */
  limit: number;
};

/**
 * Reads an option that names a block of a chain, once for each: a number when one chain is followed,
 * otherwise `<chain id>:<number>`.
 *
 * @param option its name, for errors
 * @param chainIds the chains that are followed
 * @returns the block of each chain that is named; null when none is
 * @throws ConfigError with every problem found
 */
export function parseBlocks(
  option: string,
  values: string[],
  chainIds: number[],
): Record<number, number> | null {
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
      problems.push({ where: option, what: `"${value}": expected ${expected}` });
    } else if (chainId in blocks)
      problems.push({ where: option, what: `chain ${chainId} is named twice` });
    else blocks[chainId] = Number(block);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return blocks;
}
