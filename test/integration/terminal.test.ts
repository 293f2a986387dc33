import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

/*
 * The live view in a real terminal: tmux draws what it is sent, and says what stands on its screen.
 */

const HAS_TMUX = spawnSync("tmux", ["-V"]).status === 0;
if (!HAS_TMUX) console.log("tmux is not installed: the live view was not seen on a terminal");

/** Draws frames of messages and notices until a line on its standard input ends it. */
const SCRIPT = `
  import { renderView } from ${JSON.stringify(join(import.meta.dirname, "../../supervisor/live-view.ts"))};
  import { TerminalScreen } from ${JSON.stringify(join(import.meta.dirname, "../../supervisor/terminal-screen.ts"))};
  const publication = { topic: "chain.events.v1", finality: "latest", published: 1234567, backlog: 8, haltedReason: null };
  const view = {
    state: null, banner: ["API  http://127.0.0.1:4000/graphql"], receivedPerTopic: new Map(), notices: ["careful"], elapsedMs: 0,
    snapshot: {
      chains: [{ name: "local", chainId: 31337, head: 7654321, indexed: 7654320, finalized: 7654290 }],
      escrows: 1, events: 2, anomalies: 0, publications: [publication],
    },
    messages: Array.from({ length: 60 }, (_, at) => ({
      topic: "chain.events.v1", type: "EscrowReleased", escrow: "0x" + "ab".repeat(20),
      sequence: String(at + 1), amountWei: "1500000000000000000",
    })),
  };
  console.log("before the view");
  const screen = new TerminalScreen(process.stdout, (size) => renderView(view, size));
  const timer = setInterval(() => screen.draw(), 50);
  process.stdin.once("data", () => { clearInterval(timer); screen.close(); process.exit(); });`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "terminal-"));
});

afterEach(() => {
  tmux("kill-server");
  rmSync(folder, { recursive: true });
});

function tmux(...args: string[]): string {
  return spawnSync("tmux", ["-S", join(folder, "socket"), ...args], { encoding: "utf8" }).stdout;
}

/** What stands on the screen, without empty lines below it. */
const screen = (): string[] => tmux("capture-pane", "-p", "-t", "view").trimEnd().split("\n");

test.runIf(HAS_TMUX)(
  "frames stay whole when the window changes its size, and leave nothing behind",
  async () => {
    writeFileSync(join(folder, "view.mjs"), SCRIPT);
    writeFileSync(
      join(folder, "run.sh"),
      `"${process.execPath}" "${join(folder, "view.mjs")}"\nexec cat\n`,
    );
    const size = ["-x", "80", "-y", "24"];
    tmux("new-session", "-d", "-s", "view", ...size, `sh "${join(folder, "run.sh")}"`);
    for (const [columns, rows] of [
      [80, 24],
      [40, 10],
      [120, 40],
      [60, 12],
      [200, 50],
      [80, 24],
    ] as const) {
      tmux("resize-window", "-t", "view", "-x", String(columns), "-y", String(rows));
      await vi.waitFor(
        () => {
          const lines = screen();
          expect(lines[0]).toMatch(/^escrow-stream/);
          expect(lines.at(-1)).toBe("  ! careful");
          const shown = lines.join(" ");
          for (const number of ["7654321", "7654320", "7654290", "1234567"])
            expect(shown).toContain(number);
          // One frame, and no part of another.
          expect(lines.filter((line) => line.includes("escrow-stream"))).toHaveLength(1);
          expect(lines.filter((line) => line.includes("published"))).toHaveLength(1);
          expect(lines.filter((line) => line.includes("! careful"))).toHaveLength(1);
        },
        { timeout: 20_000, interval: 100 },
      );
    }
    // Nothing has scrolled away above the view.
    expect(
      tmux("display-message", "-p", "-t", "view", "#{alternate_on} #{history_size}").trim(),
    ).toBe("1 0");

    tmux("send-keys", "-t", "view", "Enter");
    await vi.waitFor(
      () => {
        const shown = tmux("capture-pane", "-p", "-S", "-", "-t", "view");
        expect(shown).toMatch(/^before the view\n/);
        expect(shown).toContain("  ! careful");
        expect(shown.match(/escrow-stream/g)).toHaveLength(1);
      },
      { timeout: 20_000 },
    );
  },
);
