import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { TerminalScreen } from "./terminal-screen.ts";

/** A terminal of that size that keeps what is written to it. */
class FakeTerminal extends EventEmitter {
  written = "";
  columns: number;
  rows: number;

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    this.written += text;
  }

  /** What was written since this was asked last. */
  take(): string {
    const { written } = this;
    this.written = "";
    return written;
  }
}

test("a frame begins at the top of the other screen, and clears what an older one left", () => {
  const terminal = new FakeTerminal(80, 24);
  const screen = new TerminalScreen(terminal, () => ["one", "two"]);
  expect(terminal.take()).toBe("\x1b[?1049h\x1b[?25l");
  screen.draw();
  expect(terminal.take()).toBe("\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J");
  screen.close();
});

test("a resize draws at once, in the new size", () => {
  const terminal = new FakeTerminal(80, 24);
  const screen = new TerminalScreen(terminal, ({ columns, rows }) => [`${columns} × ${rows}`]);
  terminal.columns = 40;
  terminal.rows = 10;
  terminal.emit("resize");
  expect(terminal.take()).toContain("40 × 10");
  screen.close();
});

test("a terminal that does not know its size counts as 80 × 24", () => {
  const terminal = new FakeTerminal(0, 0);
  const screen = new TerminalScreen(terminal, ({ columns, rows }) => [`${columns} × ${rows}`]);
  screen.draw();
  expect(terminal.take()).toContain("80 × 24");
  screen.close();
});

test("at the end the terminal is as it was, with the last frame on it", () => {
  const listeners = process.listenerCount("exit");
  const terminal = new FakeTerminal(80, 24);
  const screen = new TerminalScreen(terminal, () => ["last"]);
  terminal.take();
  screen.close();
  expect(terminal.take()).toBe("\x1b[?25h\x1b[?1049llast\n");
  expect(terminal.listenerCount("resize")).toBe(0);
  expect(process.listenerCount("exit")).toBe(listeners);
});
