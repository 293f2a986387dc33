import type { RunningBuild } from "./builder.ts";
import { type Comparison, compareDeployments } from "./compare.ts";
import { openReader } from "./compare-until-sure.ts";
import { comparisonLines } from "./comparison-lines.ts";
import type { ReplayOptions } from "./replay-options.ts";
import type { ReplayPlace } from "./replay-place.ts";

/**
 * Whether the new deployment may take the live one's place although the two differ: because that was
 * allowed altogether, or because what nothing has touched since the blocks that were named is the
 * same in both. Says which.
 */
export async function isAccepted(
  { live, schema }: Pick<RunningBuild, "live" | "schema">,
  { blocks }: Comparison,
  { acceptsDifferences, acceptsFrom, limit }: ReplayOptions,
  { databaseUrl, output }: Pick<ReplayPlace, "databaseUrl" | "output">,
): Promise<boolean> {
  if (acceptsDifferences) output.say("compare", "the differences are accepted");
  if (acceptsDifferences || acceptsFrom === null) return acceptsDifferences;
  const toBlocks = { ...blocks };
  for (const [chainId, block] of Object.entries(acceptsFrom))
    toBlocks[Number(chainId)] = Math.min(block - 1, toBlocks[Number(chainId)] ?? block);
  const before = await compareDeployments(() => openReader(databaseUrl), live, schema, {
    toBlocks,
    limit,
  });
  const isSame = before !== null && before.total === 0;
  if (before !== null && !isSame)
    for (const line of comparisonLines(before)) output.say("compare", line.text, line.figures);
  const from = Object.entries(acceptsFrom).map(([id, block]) => `block ${block} of chain ${id}`);
  output.say(
    "compare",
    isSame
      ? `the differences are accepted: all of them come from ${from.join(", ")} and later`
      : `the differences are not accepted: some are older than ${from.join(", ")}`,
    { acceptsFrom },
  );
  return isSame;
}
