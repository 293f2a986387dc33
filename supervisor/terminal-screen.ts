import type { Size } from "./live-view.ts";

/** What of a terminal is written to. */
export type Terminal = {
  columns?: number;
  rows?: number;
  write(text: string): unknown;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
};

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/**
 * Draws frames on the terminal's other screen, as `less` and `top` do, each in place of the one
 * before. On the ordinary screen, where log-update draws, a resize makes the terminal wrap the last
 * frame again. Its height is unknown then, and parts of it stay. A frame that is higher than the
 * window scrolls. On the other screen every frame begins at the top.
 */
export class TerminalScreen {
  readonly #terminal: Terminal;
  readonly #render: (size: Size) => string[];
  readonly #draw = (): void => this.draw();
  readonly #leave = (): void => void this.#terminal.write(LEAVE);

  /** Takes the terminal's other screen, until `close`. */
  constructor(terminal: Terminal, render: (size: Size) => string[]) {
    this.#terminal = terminal;
    this.#render = render;
    terminal.write(ENTER);
    terminal.on("resize", this.#draw);
    // Whatever ends the process, the terminal is given back as it was.
    process.once("exit", this.#leave);
  }

  get #size(): Size {
    return { columns: this.#terminal.columns || 80, rows: this.#terminal.rows || 24 };
  }

  draw(): void {
    const lines = this.#render(this.#size);
    this.#terminal.write(
      `${HOME}${lines.map((line) => line + CLEAR_LINE).join("\r\n")}${CLEAR_BELOW}`,
    );
  }

  /** Gives the terminal back and leaves the last frame on its ordinary screen. */
  close(): void {
    process.off("exit", this.#leave);
    this.#terminal.off("resize", this.#draw);
    this.#terminal.write(`${LEAVE}${this.#render(this.#size).join("\n")}\n`);
  }
}
