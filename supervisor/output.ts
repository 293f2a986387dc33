import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { renderView, type SeenMessage, type View } from "./live-view.ts";
import type { Snapshot } from "./snapshot.ts";

/** Where `npm start` tells what goes on. */
export type Output = {
  /** Something that a person should know. */
  notice(text: string): void;
  /** A line that one of the processes printed. */
  line(process: string, text: string): void;
  message(message: SeenMessage): void;
  snapshot(snapshot: Snapshot): void;
  /** Ends it; the summary is the last line of standard output. */
  close(summary: object | null): void;
};

const REDRAW_MS = 500;
const MESSAGES_SHOWN = 8;
const NOTICES_SHOWN = 6;
const STATUS_EVERY_MS = 5_000;
const MESSAGES_PER_STATUS = 20;

/**
 * A live view, redrawn in place. The processes' own logs go to files in `logDir`.
 *
 * @param banner printed once above it
 */
export function terminalOutput(banner: string[], logDir: string, apiUrl: string): Output {
  mkdirSync(logDir, { recursive: true });
  const logs = new Map<string, WriteStream>();
  const view: View = {
    snapshot: null,
    messages: [],
    receivedPerTopic: new Map(),
    notices: [],
    elapsedMs: 0,
    apiUrl,
  };
  const startedMs = performance.now();
  let drawnLines = 0;
  const draw = (): void => {
    view.elapsedMs = performance.now() - startedMs;
    const width = process.stdout.columns ?? 120;
    const lines = renderView(view).map((line) => line.slice(0, width - 1));
    const back = drawnLines > 0 ? `\x1b[${drawnLines}A\x1b[J` : "";
    process.stdout.write(`${back}${lines.join("\n")}\n`);
    drawnLines = lines.length;
  };
  process.stdout.write(`${banner.join("\n")}\nLogs        ${logDir}\n\n`);
  const timer = setInterval(draw, REDRAW_MS);
  return {
    notice: (text) => keepLast(view.notices, text, NOTICES_SHOWN),
    line: (name, text) => {
      let log = logs.get(name);
      if (log === undefined) {
        log = createWriteStream(join(logDir, `${name}.log`), { flags: "a" });
        logs.set(name, log);
      }
      log.write(`${text}\n`);
    },
    message: (message) => {
      keepLast(view.messages, message, MESSAGES_SHOWN);
      const { receivedPerTopic } = view;
      receivedPerTopic.set(message.topic, (receivedPerTopic.get(message.topic) ?? 0) + 1);
    },
    snapshot: (snapshot) => {
      view.snapshot = snapshot;
    },
    close: (summary) => {
      clearInterval(timer);
      draw();
      for (const log of logs.values()) log.end();
      if (summary) process.stdout.write(`\n${JSON.stringify({ summary })}\n`);
    },
  };
}

/** JSON lines for machines: pino's own, and those of the processes with their name added. */
export function jsonOutput(banner: string[]): Output {
  const log = pino({ name: "escrow-stream", base: {} }, pino.destination({ sync: true }));
  let lastStatusMs = 0;
  let messagesShown = 0;
  for (const line of banner) log.info(line);
  return {
    notice: (text) => log.warn(text),
    line: (name, text) => {
      const fields = parseJson(text);
      if (fields === null) log.info({ process: name }, text);
      else process.stdout.write(`${JSON.stringify({ ...fields, process: name })}\n`);
    },
    message: ({ topic, type, escrow, sequence }) => {
      messagesShown += 1;
      if (messagesShown <= MESSAGES_PER_STATUS)
        log.info({ topic, type, escrow, sequence }, "message at the subscriber");
    },
    snapshot: (snapshot) => {
      if (performance.now() - lastStatusMs < STATUS_EVERY_MS) return;
      lastStatusMs = performance.now();
      messagesShown = 0;
      log.info(snapshot, "status");
    },
    close: (summary) => {
      if (summary) process.stdout.write(`${JSON.stringify({ summary })}\n`);
    },
  };
}

function keepLast<T>(list: T[], item: T, count: number): void {
  list.push(item);
  if (list.length > count) list.shift();
}

function parseJson(text: string): object | null {
  if (!text.startsWith("{")) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
