import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DataFolder } from "./data-folder.ts";

let root: string;
let path: string;
let children: ChildProcess[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "data-folder-"));
  path = join(root, "data");
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children = [];
  rmSync(root, { recursive: true, force: true });
});

const until = (holds: () => void) => vi.waitFor(holds, { timeout: 20_000, interval: 10 });

/** Starts a script that says something once it is ready. */
async function start(script: string, ...args: string[]): Promise<ChildProcess & { pid: number }> {
  const file = join(root, `script-${children.length}.mjs`);
  writeFileSync(file, script);
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  await once(child.stdout, "data");
  if (child.pid === undefined) throw new Error("not started");
  return child as ChildProcess & { pid: number };
}

/** A server that says with which signal it was ended. */
const server = (said: string) => `
  import { writeFileSync } from "node:fs";
  process.on("SIGINT", () => { writeFileSync(${JSON.stringify(said)}, "SIGINT"); process.exit(); });
  setTimeout(() => {}, 60_000);
  console.log(process.pid);`;

/** A process that takes the folder and writes down the server with the given number. */
const OWNER = `
  import { DataFolder } from ${JSON.stringify(join(import.meta.dirname, "data-folder.ts"))};
  const folder = await DataFolder.take(process.argv[2]);
  if (process.argv[3]) folder.started(Number(process.argv[3]));
  setTimeout(() => {}, 60_000);
  console.log("ready");`;

test("taking the folder makes it, with a place in it for every part", async () => {
  const folder = await DataFolder.take(join(path, "deeper"));
  expect(existsSync(folder.path)).toBe(true);
  expect(folder.place("postgres")).toBe(join(path, "deeper", "postgres"));
  folder.release();
});

test("a place where no folder can be made is named, instead of tried for ever", () => {
  // Its own process: what never ends cannot be cut short by a test's timeout.
  const script = `
    import { DataFolder } from ${JSON.stringify(join(import.meta.dirname, "data-folder.ts"))};
    await DataFolder.take(process.argv[1]).catch((error) => console.log(error.message));`;
  const place = process.platform === "linux" ? "/proc/x/deeper" : "/dev/null/x";
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", script, place], {
    encoding: "utf8",
    timeout: 20_000,
  });
  expect(stdout).toContain(`${place} cannot be used`);
});

test("a folder belongs to one process at a time: another one is told who has it", async () => {
  const owner = await start(OWNER, path);
  await expect(DataFolder.take(path)).rejects.toThrow(`is in use by process ${owner.pid} (`);
});

test("a folder that was given back can be taken again", async () => {
  const folder = await DataFolder.take(path);
  expect(existsSync(join(path, "owner.json"))).toBe(true);
  folder.release();
  expect(existsSync(join(path, "owner.json"))).toBe(false);
  (await DataFolder.take(path)).release();
});

test("the servers of an owner that was killed are ended in good order before the folder is taken", async () => {
  const said = join(root, "said");
  const running = await start(server(said));
  const owner = await start(OWNER, path, String(running.pid));
  owner.kill("SIGKILL");
  await once(owner, "exit");

  const folder = await DataFolder.take(path);
  expect(readFileSync(said, "utf8")).toBe("SIGINT");
  await until(() => expect(running.exitCode).toBe(0));
  folder.release();
});

test("a server that ended without anybody taking note of it is not waited for", async () => {
  const file = join(root, "server.mjs");
  writeFileSync(file, server(join(root, "said")));
  // Its parent never asks how it ended, so that its number stays taken.
  const script = '"$0" "$1" & exec sleep 60';
  const parent = spawn("sh", ["-c", script, process.execPath, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(parent);
  const [line] = await once(parent.stdout, "data");
  const pid = Number(String(line));
  (await DataFolder.take(path)).release();
  const command = `${process.execPath} ${file}`;
  const left = { pid: 2 ** 22 + 1, startedAs: "gone", children: [{ pid, command }] };
  writeFileSync(join(path, "owner.json"), JSON.stringify(left));

  const folder = await DataFolder.take(path);
  expect(readFileSync(join(root, "said"), "utf8")).toBe("SIGINT");
  folder.release();
});

test("a process that only got the number of an old server is left alone", async () => {
  const said = join(root, "said");
  const bystander = await start(server(said));
  const left = {
    pid: 2 ** 22 + 1,
    startedAs: "gone",
    children: [{ pid: bystander.pid, command: "postgres -D data" }],
  };
  const folder = await DataFolder.take(path);
  folder.release();
  writeFileSync(join(path, "owner.json"), JSON.stringify(left));
  (await DataFolder.take(path)).release();
  expect(bystander.exitCode).toBeNull();
  expect(existsSync(said)).toBe(false);
});

test("a process that only got the number of an old owner does not keep the folder", async () => {
  const bystander = await start(server(join(root, "said")));
  (await DataFolder.take(path)).release();
  const left = { pid: bystander.pid, startedAs: "npm start", children: [] };
  writeFileSync(join(path, "owner.json"), JSON.stringify(left));
  (await DataFolder.take(path)).release();
});

test("a note of the owner that was cut off while it was written does not keep the folder", async () => {
  (await DataFolder.take(path)).release();
  writeFileSync(join(path, "owner.json"), '{"pid": 1');
  (await DataFolder.take(path)).release();
});

test("a server that is gone already when it is to be written down is not", async () => {
  const gone = await start(server(join(root, "said")));
  gone.kill("SIGKILL");
  await once(gone, "exit");
  const folder = await DataFolder.take(path);
  folder.started(gone.pid);
  expect(JSON.parse(readFileSync(join(path, "owner.json"), "utf8")).children).toEqual([]);
  folder.release();
});
