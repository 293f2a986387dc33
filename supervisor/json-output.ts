import { pino } from "pino";
import { parseLogLine } from "./log-line.ts";
import type { Output } from "./output.ts";

const STATUS_EVERY_MS = 5_000;
/** Of each topic, so that a backlog of one does not hide the other. */
const MESSAGES_PER_STATUS = 20;

/** JSON lines for machines: pino's own, and those of the processes with their name added. */
export function jsonOutput(): Output {
  const destination = pino.destination({ sync: true });
  // Whether anybody reads it is asked of standard output itself (`stop-request.ts`).
  destination.on("error", () => undefined);
  const log = pino({ name: "escrow-stream", base: {} }, destination);
  const shown = new Map<string, number>();
  let lastStatusMs = Number.NEGATIVE_INFINITY;
  return {
    state: (text) => {
      if (text !== null) log.info({ event: "stack.state" }, text);
    },
    banner: (lines) => {
      for (const line of lines) log.info({ event: "stack.address" }, line);
    },
    notice: (text) => log.warn({ event: "stack.notice" }, text),
    line: (name, text) => {
      const fields = parseLogLine(text);
      if (fields === null) log.info({ event: "process.output", process: name }, text);
      else process.stdout.write(`${JSON.stringify({ ...fields, process: name })}\n`);
    },
    message: ({ topic, type, escrow, sequence }) => {
      const count = (shown.get(topic) ?? 0) + 1;
      shown.set(topic, count);
      if (count <= MESSAGES_PER_STATUS)
        log.info(
          { event: "message.received", topic, type, escrow, sequence },
          "message at the subscriber",
        );
    },
    snapshot: (snapshot) => {
      if (performance.now() - lastStatusMs < STATUS_EVERY_MS) return;
      lastStatusMs = performance.now();
      shown.clear();
      log.info({ event: "stack.status", ...snapshot }, "status");
    },
    close: (summary) => {
      if (summary) process.stdout.write(`${JSON.stringify({ summary })}\n`);
    },
  };
}
