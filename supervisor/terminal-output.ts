import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { renderView, type View } from "./live-view.ts";
import type { Output } from "./output.ts";
import { TerminalScreen } from "./terminal-screen.ts";

const REDRAW_MS = 250;
/** More than a screen ever shows. */
const MESSAGES_KEPT = 100;
const NOTICES_KEPT = 20;

/** A live view, redrawn in place. The processes' own logs go to files in `logDir`. */
export function terminalOutput(logDir: string): Output {
  const logs = new Map<string, WriteStream>();
  const startedMs = performance.now();
  const view: View = {
    state: null,
    banner: [],
    snapshot: null,
    messages: [],
    receivedPerTopic: new Map(),
    notices: [],
    elapsedMs: 0,
  };
  const screen = new TerminalScreen(process.stdout, (size) =>
    renderView({ ...view, elapsedMs: performance.now() - startedMs }, size),
  );
  const timer = setInterval(() => screen.draw(), REDRAW_MS);
  return {
    state: (text) => {
      view.state = text;
      screen.draw();
    },
    banner: (lines) => {
      view.banner = [...lines, `Logs        ${logDir}`];
    },
    notice: (text) => {
      keepLast(view.notices, text, NOTICES_KEPT);
      screen.draw();
    },
    line: (name, text) => {
      let log = logs.get(name);
      if (log === undefined) {
        mkdirSync(logDir, { recursive: true });
        log = createWriteStream(join(logDir, `${name}.log`), { flags: "a" });
        logs.set(name, log);
      }
      log.write(`${text}\n`);
    },
    message: (message) => {
      const { messages, receivedPerTopic } = view;
      keepLast(messages, message, MESSAGES_KEPT);
      receivedPerTopic.set(message.topic, (receivedPerTopic.get(message.topic) ?? 0) + 1);
      // Nobody should wait for the first one.
      if (messages.length === 1) screen.draw();
    },
    snapshot: (snapshot) => {
      view.snapshot = snapshot;
    },
    close: (summary) => {
      clearInterval(timer);
      screen.close();
      for (const log of logs.values()) log.end();
      if (summary) process.stdout.write(`\n${JSON.stringify({ summary })}\n`);
    },
  };
}

function keepLast<T>(list: T[], item: T, count: number): void {
  list.push(item);
  if (list.length > count) list.shift();
}
