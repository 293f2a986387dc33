import { pino } from "pino";

type Write = (fields: { event: string; [name: string]: unknown }, text: string) => void;

/**
 * What a process says: an event with a stable name, for machines, and a sentence, for a person. The
 * names are listed in docs/reference/log-events.md, which is made from the sources.
 */
export type EventLog = { info: Write; warn: Write; error: Write };

/** One JSON object in a line; sentences alone on a terminal. */
export function processLog(
  name: string,
  terminal: { isTTY?: boolean; write(text: string): unknown } = process.stderr,
): EventLog {
  const say: Write = (_fields, text) => terminal.write(`${text}\n`);
  if (terminal.isTTY) return { info: say, warn: say, error: say };
  return pino({ name }, pino.destination({ sync: true }));
}
