import type { Progress } from "../read/progress.ts";

/** Progress as JSON: blocks as numbers, times in Unix seconds. */
export function presentProgress(progress: Progress): Record<string, unknown> {
  return {
    is_backfilled: progress.isReady,
    is_catching_up: !progress.isCaughtUp,
    standby_lag_seconds: progress.standbyLagSeconds,
    chains: progress.chains.map(({ chainId, chainName, indexed, final, verified, events }) => ({
      chain_id: chainId,
      name: chainName,
      indexed_block: indexed.block,
      indexed_at: String(indexed.at),
      final_block: final.block,
      final_at: String(final.at),
      verified_block: verified?.block ?? null,
      verified_at: verified === null ? null : String(verified.at),
      events,
    })),
  };
}
