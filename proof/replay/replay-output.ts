import { type Progress, progressFigures, progressLine } from "./progress.ts";

/** What a replay says: for a person on a terminal, otherwise one JSON object per line. */
export type ReplayOutput = {
  /** Something begins or has ended. */
  say(stage: string, text: string, figures?: object): void;
  /** Called often; shown at most once a second. */
  progress(progress: Progress): void;
};

const JSON_INTERVAL_MS = 1_000;
const CLEAR_LINE = "\r\u001b[2K";

/** @param stream standard output */
export function replayOutput(
  stream: { isTTY?: boolean; columns?: number; write(text: string): unknown },
  now: () => number = () => performance.now(),
): ReplayOutput {
  if (stream.isTTY === true)
    return {
      say: (_stage, text) => stream.write(`${CLEAR_LINE}${text}\n`),
      progress: (progress) => {
        // A line that wraps cannot be drawn in place again.
        const line = progressLine(progressFigures(progress)).slice(0, (stream.columns || 80) - 1);
        stream.write(`${CLEAR_LINE}${line}`);
      },
    };
  let shownMs = Number.NEGATIVE_INFINITY;
  return {
    say: (stage, text, figures = {}) =>
      stream.write(`${JSON.stringify({ stage, text, ...figures })}\n`),
    progress: (progress) => {
      if (now() - shownMs < JSON_INTERVAL_MS) return;
      shownMs = now();
      stream.write(`${JSON.stringify({ stage: "build", ...progressFigures(progress) })}\n`);
    },
  };
}
