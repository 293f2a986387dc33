import { pino } from "pino";
import type { EventLog } from "../config/event-log.ts";

/** One JSON object in a line; sentences alone on a terminal. */
export function processLog(
  name: string,
  terminal: { isTTY?: boolean; write(text: string): unknown } = process.stderr,
): EventLog {
  const say = (_fields: object, text: string) => terminal.write(`${text}\n`);
  if (terminal.isTTY) return { info: say, warn: say, error: say };
  return pino({ name }, pino.destination({ sync: true }));
}
