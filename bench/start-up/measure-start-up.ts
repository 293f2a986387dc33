import { spawn } from "node:child_process";
import { once } from "node:events";
import { atEnd } from "../framework/at-end.ts";

export type StartUp = {
  /** Seconds from `npm start` to the first message on the screen, and to the first final one. */
  firstSeconds: number;
  finalSeconds: number;
  /** From Ctrl-C until everything is gone. */
  stopSeconds: number;
};

const CTRL_C = "\x03";
const LONGEST_MS = 180_000;
/** A topic and a kind of event, on one line of the view: nothing else on the screen looks like it. */
const MESSAGE = " +(Escrow|Approved|Arbiter)";
const FIRST = new RegExp(`(chain|settlement)\\.events\\.v1${MESSAGE}`);
const FINAL = new RegExp(`settlement\\.events\\.v1${MESSAGE}`);

/**
 * Types `npm start` into a terminal, in a checkout with an empty data folder, reads the screen
 * until a final message stands on it, and presses Ctrl-C.
 *
 * @throws when no final message comes within three minutes, or it does not stop in good order
 */
export async function measureStartUp(checkout: string, dataDir: string): Promise<StartUp> {
  const size = "stty cols 160 rows 48";
  const command = `${size}; exec npm start -- --data-dir ${JSON.stringify(dataDir)}`;
  const startedMs = performance.now();
  // `script` (util-linux) gives it a terminal.
  const terminal = spawn("script", ["-qfec", command, "/dev/null"], {
    cwd: checkout,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(terminal, "exit");
  const release = atEnd(async () => {
    terminal.stdin.write(CTRL_C);
    await ended;
  });
  const secondsUntil: { first?: number; final?: number } = {};
  const { promise: isFinal, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(reject, LONGEST_MS, new Error("no final message within three minutes"));
  let screen = "";
  terminal.stdout.on("data", (chunk: Buffer) => {
    screen = (screen + chunk.toString()).slice(-20_000);
    const seconds = (performance.now() - startedMs) / 1_000;
    if (FIRST.test(screen)) secondsUntil.first ??= seconds;
    if (!FINAL.test(screen)) return;
    secondsUntil.final ??= seconds;
    resolve();
  });
  void ended.then(() => reject(new Error(`it ended by itself:\n${screen.slice(-2_000)}`)));
  try {
    await isFinal;
  } finally {
    clearTimeout(timer);
  }
  const stoppedMs = performance.now();
  await release();
  // npm ends with 130 after any Ctrl-C, whatever its script says.
  if (terminal.exitCode !== 130 || screen.includes("stopping by force"))
    throw new Error(`it did not stop in good order (exit code ${terminal.exitCode})`);
  return {
    firstSeconds: secondsUntil.first ?? Number.NaN,
    finalSeconds: secondsUntil.final ?? Number.NaN,
    stopSeconds: (performance.now() - stoppedMs) / 1_000,
  };
}
