import { type Logger, pino } from "pino";

/** pino's numbers of the levels. */
export type LogLine = { level: number; msg: string };

/** A log that prints nothing, and what was written to it. */
export function recordingLog(): { log: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const log = pino({ level: "info" }, { write: (line) => lines.push(JSON.parse(line)) });
  return { log, lines };
}
