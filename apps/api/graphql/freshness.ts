import type { Progress } from "../read/progress.ts";

/** How fresh an answer is, for its `extensions`: the same for every chain as the field `chains`. */
export function freshness({ chains }: Progress): unknown {
  return chains.map(({ chainId, indexed, final, verified }) => ({
    chainId,
    indexed: mark(indexed),
    final: mark(final),
    verified: verified === null ? null : mark(verified),
  }));
}

function mark({ block, at }: { block: number; at: number }): { block: number; time: string } {
  return { block, time: new Date(at * 1_000).toISOString().replace(".000Z", "Z") };
}
