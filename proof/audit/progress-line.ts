import type { ChainProgress } from "./chain-progress.ts";

/** Tells a person how far an audit is. */
export type ProgressLine = {
  show: (chain: ChainProgress) => void;
  say: (text: string) => void;
  end: () => void;
};

const EVERY_MS = 10_000;
const EVERY_MS_ON_TERMINAL = 200;

/** Writes one line that is redrawn on a terminal, or a line every ten seconds elsewhere. */
export function progressLine(
  to: Pick<NodeJS.WriteStream, "isTTY" | "write">,
  now: () => number = () => performance.now(),
): ProgressLine {
  let shownMs = -Infinity;
  let isDrawn = false;
  const erase = (): void => {
    if (isDrawn) to.write("\r\x1b[K");
    isDrawn = false;
  };
  return {
    show: (chain) => {
      if (now() - shownMs < (to.isTTY ? EVERY_MS_ON_TERMINAL : EVERY_MS)) return;
      shownMs = now();
      erase();
      to.write(inWords(chain) + (to.isTTY ? "" : "\n"));
      isDrawn = to.isTTY;
    },
    say: (text) => {
      erase();
      to.write(`${text}\n`);
    },
    end: erase,
  };
}

function inWords(progress: ChainProgress): string {
  const { job, next, chain, contracts, findings, requests, scanned } = progress;
  const blocks = job.to - job.from + 1;
  const done = Math.floor((100 * (next - job.from)) / blocks);
  const escrows = contracts.children.length;
  const step =
    progress.isCompared && progress.firstByTopic !== null
      ? `scanning for unknown signatures, escrow ${scanned.escrows} of ${escrows}`
      : next === job.from && progress.nextToDiscover < job.from
        ? `looking for escrows, block ${progress.nextToDiscover}`
        : `block ${next - 1} of ${job.to} (${done} %)`;
  return `chain ${job.chainId}: ${step}, ${chain.events} events, ${escrows} escrows, ${findings.total} findings, ${requests} requests`;
}
