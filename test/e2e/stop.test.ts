import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ServiceProcess } from "../support/service-process.ts";
import { TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";

/* However `npm start` ends, it says so at once, and nothing of it goes on running. */

type Child = { pid: number; command: string };

let world: TestWorld;

beforeAll(async () => {
  world = await TestWorld.create();
});
afterEach(() => world.endTest());
afterAll(() => world?.end());

/** A service with everything embedded that has published something, and what it consists of. */
async function runningService() {
  const dataDir = world.freshFolder();
  const service = world.ends(new ServiceProcess("start", { args: ["--data-dir", dataDir] }));
  await waitUntil(
    "the API runs and a message is at the subscriber",
    () =>
      service.output.includes("message at the subscriber") &&
      service.output.includes('"process":"api"'),
  );
  return { service, dataDir, children: childrenOf(service.pid) };
}

/** Indexer, relay, API, PostgreSQL with its workers, and anvil: all processes below that one. */
function childrenOf(parent: number): Child[] {
  const all = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .flatMap((match) =>
      match ? [{ pid: Number(match[1]), parent: Number(match[2]), command: match[3] ?? "" }] : [],
    );
  const below = (pid: number): Child[] =>
    all.filter((each) => each.parent === pid).flatMap((each) => [each, ...below(each.pid)]);
  return below(parent).filter(({ command }) => !command.startsWith("ps "));
}

function stillRunning(children: Child[]): string[] {
  return children.filter(({ pid }) => isRunning(pid)).map(({ command }) => command);
}

/** One that ended and that nobody has waited for is gone as well. */
function isRunning(pid: number): boolean {
  try {
    const state = execFileSync("ps", ["-p", String(pid), "-o", "stat="], { encoding: "utf8" });
    return !state.startsWith("Z");
  } catch {
    return false;
  }
}

test("Ctrl-C says at once what it does, ends in good order, and leaves no process behind", async () => {
  const { service, children } = await runningService();
  expect(children.length).toBeGreaterThanOrEqual(5);
  service.interrupt();
  await waitUntil("it says that it stops", () =>
    service.output.includes("stopping: the relay finishes what is in flight"),
  );
  expect(await service.exited).toEqual({ code: 0, signal: null });
  expect(service.output).toContain("relay stopped");
  expect(stillRunning(children)).toEqual([]);
});

test("a second Ctrl-C ends all by force, and says so", async () => {
  const { service, children } = await runningService();
  const relay = children.find(({ command }) => command.includes("relay.ts"));
  // A relay that does not move would be waited for.
  process.kill(relay?.pid ?? Number.NaN, "SIGSTOP");
  service.interrupt();
  await waitUntil("only the relay is left", () => service.output.includes("waiting for relay;"));
  // A person's second key press, and not the first one's echo.
  await waitUntil("it says that it uses force", () => {
    service.interrupt();
    return service.output.includes("stopping by force");
  });
  expect(await service.exited).toEqual({ code: 130, signal: null });
  await waitUntil("all are gone", () => stillRunning(children).length === 0);
});

test("an embedded PostgreSQL that is killed is named, and nothing else is blamed", async () => {
  const { service, dataDir, children } = await runningService();
  const owner = JSON.parse(readFileSync(join(dataDir, "owner.json"), "utf8"));
  const postgres = owner.children.find((child: Child) => child.command.includes("postgres"));
  process.kill(postgres.pid, "SIGKILL");
  expect(await service.exited).toEqual({ code: 75, signal: null });
  expect(service.output).toContain("the embedded PostgreSQL ended (SIGKILL)");
  expect(service.output).not.toContain("starting it again does not help");
  await waitUntil("all are gone", () => stillRunning(children).length === 0);

  const again = world.ends(
    new ServiceProcess("start", { args: ["--data-dir", dataDir, "--for", "1s"] }),
  );
  expect((await again.exited).code, again.output.slice(-3_000)).toBe(0);
});
