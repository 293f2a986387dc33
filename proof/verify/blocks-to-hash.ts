import { ConfigError } from "../../config/config-error.ts";

/**
 * Reads `--block`: one number for every chain, or `<chain id>:<number>` for each of some.
 *
 * @throws ConfigError with every one that is neither
 */
export function blocksToHash(texts: readonly string[]): {
  block?: number;
  blocks: Map<number, number>;
} {
  const blocks = new Map<number, number>();
  const plain: number[] = [];
  const problems: { where: string; what: string }[] = [];
  for (const text of texts) {
    const match = /^(?:(\d{1,15}):)?(\d{1,15})$/.exec(text);
    if (match === null)
      problems.push({
        where: "--block",
        what: `"${text}" is neither a block nor <chain id>:<block>`,
      });
    else if (match[1] === undefined) plain.push(Number(match[2]));
    else blocks.set(Number(match[1]), Number(match[2]));
  }
  if (plain.length > 1)
    problems.push({ where: "--block", what: "there is more than one without a chain id" });
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...(plain[0] === undefined ? {} : { block: plain[0] }), blocks };
}
