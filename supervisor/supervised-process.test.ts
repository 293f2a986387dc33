import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EXIT_CONFIG } from "../config/error-catalogue.ts";
import { SupervisedProcess } from "./supervised-process.ts";

let folder: string;
let supervised: SupervisedProcess | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "supervised-"));
});

afterEach(async () => {
  vi.useRealTimers();
  await supervised?.stop();
  supervised = null;
  rmSync(folder, { recursive: true, force: true });
});

/** Supervises a script and keeps what is told about it. */
function supervise(
  script: string,
  { preload, prepareOnly = false }: { preload?: string; prepareOnly?: boolean } = {},
) {
  const file = join(folder, "child.mjs");
  writeFileSync(file, script);
  const told = {
    lines: [] as string[],
    restarts: [] as [string, number][],
    givenUp: [] as string[],
  };
  supervised = new SupervisedProcess({
    name: "child",
    args: [file],
    env: { ...process.env, GREETING: "hello" },
    onLine: (line) => told.lines.push(line),
    onRestart: (exit, waitMs) => told.restarts.push([exit, waitMs]),
    onGivenUp: (exit) => told.givenUp.push(exit),
    ...(preload === undefined ? {} : { preload }),
  });
  if (prepareOnly) supervised.prepare();
  else supervised.start();
  return { ...told, process: supervised };
}

const until = (holds: () => void) => vi.waitFor(holds, { timeout: 20_000, interval: 10 });

/** Only the supervisor's waits are made of fake time; the children are real. */
function fakeWaits(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
}

function isRunning(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("every line that the process prints is passed on, from both of its outputs", async () => {
  const { lines } = supervise(
    "console.log(process.env.GREETING); console.error('careful'); setInterval(() => {}, 1000);",
  );
  await until(() => expect(lines.toSorted()).toEqual(["careful", "hello"]));
});

test("a process that ends by itself is started again, after a wait that doubles", async () => {
  fakeWaits();
  const { lines, restarts, givenUp } = supervise("console.log('up'); process.exitCode = 3;");
  for (let times = 1; times <= 3; times++) {
    await until(() => expect(restarts).toHaveLength(times));
    await until(() => expect(lines).toHaveLength(times));
    expect(restarts.at(-1)).toEqual(["exit code 3", 500 * 2 ** (times - 1)]);
    vi.advanceTimersByTime(500 * 2 ** (times - 1));
  }
  expect(givenUp).toEqual([]);
});

test("a process that is killed is started again, and the signal is named", async () => {
  fakeWaits();
  const {
    lines,
    restarts,
    process: child,
  } = supervise("console.log('up'); setInterval(() => {}, 1000);");
  await until(() => expect(lines).toHaveLength(1));
  const first = child.pid ?? 0;
  process.kill(first, "SIGKILL");
  await until(() => expect(restarts).toEqual([["SIGKILL", 500]]));
  vi.advanceTimersByTime(500);
  await until(() => expect(lines).toHaveLength(2));
  expect(child.pid).not.toBe(first);
});

test("eight failures in a row are enough: the waits grow to half a minute, then it is given up", async () => {
  fakeWaits();
  const { restarts, givenUp } = supervise("process.exitCode = 1;");
  for (let times = 1; times <= 7; times++) {
    await until(() => expect(restarts).toHaveLength(times));
    vi.advanceTimersByTime(30_000);
  }
  await until(() => expect(givenUp).toEqual(["exit code 1"]));
  expect(restarts.map(([, waitMs]) => waitMs)).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000,
  ]);
});

test("whoever was well for a minute begins to count from zero", async () => {
  fakeWaits();
  const { lines, restarts } = supervise(
    "process.on('SIGTERM', () => process.exit(9)); console.log('up'); setInterval(() => {}, 1000);",
  );
  for (let times = 1; times <= 3; times++) {
    await until(() => expect(lines).toHaveLength(times));
    vi.setSystemTime(Date.now() + 61_000);
    process.kill(supervised?.pid ?? 0, "SIGTERM");
    await until(() => expect(restarts).toHaveLength(times));
    vi.advanceTimersByTime(500);
  }
  expect(restarts).toEqual(Array(3).fill(["exit code 9", 500]));
});

test("an error of the configuration is given up at once: starting again would not help", async () => {
  const { restarts, givenUp } = supervise(`process.exitCode = ${EXIT_CONFIG};`);
  await until(() => expect(givenUp).toEqual(["exit code 78"]));
  expect(restarts).toEqual([]);
});

test("a process that is stopped gets to end in good order and is not started again", async () => {
  const {
    lines,
    restarts,
    givenUp,
    process: child,
  } = supervise(
    "process.on('SIGTERM', () => { console.log('bye'); process.exit(0); }); console.log('up'); setInterval(() => {}, 1000);",
  );
  await until(() => expect(lines).toEqual(["up"]));
  await child.stop();
  expect(isRunning(child.pid)).toBe(false);
  await until(() => expect(lines).toEqual(["up", "bye"]));
  expect([restarts, givenUp]).toEqual([[], []]);
  await child.stop();
});

test("a process that does not end when told to is ended by force after 20 seconds", async () => {
  fakeWaits();
  const { lines, process: child } = supervise(
    "process.on('SIGTERM', () => console.log('no')); console.log('up'); setInterval(() => {}, 1000);",
  );
  await until(() => expect(lines).toEqual(["up"]));
  const stoppedAt = Date.now();
  const stopped = child.stop();
  // Waiting for it takes some of the fake time.
  await until(() => expect(lines).toEqual(["up", "no"]));
  vi.advanceTimersByTime(stoppedAt + 19_999 - Date.now());
  expect(vi.getTimerCount(), "the force to come").toBe(1);
  vi.advanceTimersByTime(1);
  await stopped;
  expect(isRunning(child.pid)).toBe(false);
});

test("stopping while it waits to start again means that it is not started again", async () => {
  fakeWaits();
  const { lines, restarts, process: child } = supervise("console.log('up'); process.exitCode = 1;");
  await until(() => expect(restarts).toHaveLength(1));
  await until(() => expect(lines).toHaveLength(1));
  const { pid } = child;
  await child.stop();
  vi.advanceTimersByTime(60_000);
  expect(child.pid).toBe(pid);
});

test("Ctrl-C reaches the supervisor alone: the process has a group of its own", async () => {
  const { lines, process: child } = supervise("console.log('up'); setInterval(() => {}, 1000);");
  await until(() => expect(lines).toHaveLength(1));
  expect(process.kill(-(child.pid ?? Number.NaN), 0)).toBe(true);
});

test("the process ends in good order when the supervisor was killed", async () => {
  const ended = join(folder, "ended");
  const orphan = join(folder, "orphan.mjs");
  const source = (file: string) => JSON.stringify(join(import.meta.dirname, file));
  writeFileSync(
    orphan,
    `import { writeFileSync } from "node:fs";
     import { endWithParent } from ${source("end-with-parent.ts")};
     endWithParent();
     process.on("SIGTERM", () => { writeFileSync(${JSON.stringify(ended)}, ""); process.exit(); });
     console.log("up");
     setTimeout(() => {}, 60_000);`,
  );
  const script = join(folder, "supervisor.mjs");
  writeFileSync(
    script,
    `import { SupervisedProcess } from ${source("supervised-process.ts")};
     new SupervisedProcess({
       name: "orphan", args: [${JSON.stringify(orphan)}], env: process.env,
       onLine: (line) => console.log(line), onRestart: () => {}, onGivenUp: () => {},
     }).start();`,
  );
  const supervisor = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(supervisor.stdout, "data");
  expect(existsSync(ended)).toBe(false);
  supervisor.kill("SIGKILL");
  await until(() => expect(existsSync(ended)).toBe(true));
});

test("a prepared process loads its module, and begins once the rest of its environment is known", async () => {
  const preload = join(folder, "preload.mjs");
  writeFileSync(preload, "console.log('loaded without', process.env.LATER);");
  const { lines, process: child } = supervise("console.log('up with', process.env.LATER);", {
    preload,
    prepareOnly: true,
  });
  await until(() => expect(lines).toEqual(["loaded without undefined"]));
  const { pid } = child;
  child.start({ LATER: "all of it" });
  await until(() => expect(lines[1]).toBe("up with all of it"));
  expect(child.pid).toBe(pid);
});

test("one that ended while it was prepared is started as if it never had been", async () => {
  const {
    lines,
    restarts,
    process: child,
  } = supervise("console.log('up with', process.env.LATER); setInterval(() => {}, 1000);", {
    prepareOnly: true,
  });
  const first = child.pid ?? 0;
  process.kill(first, "SIGKILL");
  await until(() => expect(isRunning(first)).toBe(false));
  child.start({ LATER: "all of it" });
  await until(() => expect(lines).toEqual(["up with all of it"]));
  expect(restarts).toEqual([]);
});

test("a process that is started again gets the whole environment", async () => {
  fakeWaits();
  const {
    lines,
    restarts,
    process: child,
  } = supervise("console.log(process.env.GREETING, process.env.LATER); process.exitCode = 1;", {
    prepareOnly: true,
  });
  child.start({ LATER: "again" });
  await until(() => expect(restarts).toHaveLength(1));
  vi.advanceTimersByTime(500);
  await until(() => expect(lines).toEqual(["hello again", "hello again"]));
});

test("a prepared process that is not started after all is gone when it is stopped", async () => {
  const { lines, process: child } = supervise("console.log('up');", { prepareOnly: true });
  await child.stop();
  expect(isRunning(child.pid)).toBe(false);
  expect(lines).toEqual([]);
});

test("a thread of a prepared process begins at once", async () => {
  const preload = join(folder, "preload.mjs");
  writeFileSync(preload, "");
  const thread = join(folder, "thread.mjs");
  writeFileSync(
    thread,
    `import { parentPort } from "node:worker_threads";
     parentPort.postMessage(process.env.LATER);`,
  );
  const { lines, process: child } = supervise(
    `import { once } from "node:events";
     import { Worker } from "node:worker_threads";
     const worker = new Worker(new URL(${JSON.stringify(`file://${thread}`)}));
     console.log("thread with", ...(await once(worker, "message")));`,
    { preload, prepareOnly: true },
  );
  child.start({ LATER: "all of it" });
  await until(() => expect(lines).toEqual(["thread with all of it"]));
});
