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
  for (const [name, value] of headersOf(progress)) headers.set(name, value);
}

/** All requests of a moment share one. */
const known = new WeakMap<Progress, [string, string][]>();

function headersOf(progress: Progress): [string, string][] {
  const remembered = known.get(progress);
  if (remembered !== undefined) return remembered;
  const headers: [string, string][] = [];
  for (const name of ["indexed", "final", "verified"] as const) {
    headers.push(
      [`x-${name}-block`, list(progress, name, ({ block }) => String(block))],
      [`x-${name}-at`, list(progress, name, isoTime)],
    );
  }
  if (progress.standbyLagSeconds !== null)
    headers.push(["x-standby-lag", progress.standbyLagSeconds.toFixed(1)]);
  known.set(progress, headers);
  return headers;
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
