import type { ChainProgress, Mark, Progress } from "../read/progress.ts";

/**
 * Says in headers how far each chain is, as `<chain id>=<value>` separated by spaces:
 *
 *   x-indexed-block, x-final-block, x-verified-block    the block; `null` when none was verified
 *   x-indexed-at, x-final-at                            its time
 *   x-verified-at                                       when it was verified
 *   x-standby-lag                                       seconds, when a standby answers
 */
export function setProgressHeaders(headers: Headers, progress: Progress): void {
  for (const name of ["indexed", "final", "verified"] as const) {
    headers.set(
      `x-${name}-block`,
      list(progress, name, ({ block }) => String(block)),
    );
    headers.set(`x-${name}-at`, list(progress, name, isoTime));
  }
  if (progress.standbyLagSeconds !== null)
    headers.set("x-standby-lag", progress.standbyLagSeconds.toFixed(1));
}

function list(
  { chains }: Progress,
  name: "indexed" | "final" | "verified",
  write: (mark: Mark) => string,
): string {
  return chains
    .map((chain: ChainProgress) => {
      const mark = chain[name];
      return `${chain.chainId}=${mark === null ? null : write(mark)}`;
    })
    .join(" ");
}

function isoTime({ at }: Mark): string {
  return new Date(at * 1_000).toISOString();
}
