import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPubsubServer } from "@escrow-stream/pubsub-emulator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PubsubClients } from "../support/pubsub-clients.ts";
import { waitUntil } from "../support/wait-until.ts";

process.env.METADATA_SERVER_DETECTION = "none";

const CLI = join(import.meta.dirname, "../../packages/pubsub-emulator/cli.ts");
const children: ChildProcess[] = [];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pubsub-cli-"));
});

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function run(...args: string[]) {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  const printed = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => {
    printed.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    printed.stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, printed, ended };
}

async function listening({ printed }: ReturnType<typeof run>): Promise<string> {
  await waitUntil("the emulator listens", () => printed.stdout.includes("Ctrl-C stops it"));
  return /PUBSUB_EMULATOR_HOST=(\S+)/.exec(printed.stdout)?.[1] as string;
}

describe("the emulator's command", () => {
  test("serves a client, stops with 0 on Ctrl-C, and has its topics again when it starts on the same folder", async () => {
    const dataDir = join(folder, "data");
    const first = run("--port", "0", "--data-dir", dataDir, "--project", "shop");
    const before = new PubsubClients(await listening(first));
    expect(first.printed.stdout).toContain("GOOGLE_CLOUD_PROJECT=shop");
    const topic = await before.createTopic();
    await before.close();
    first.child.kill("SIGINT");
    expect(await first.ended).toBe(0);
    expect(first.printed).toMatchObject({
      stderr: "",
      stdout: expect.stringMatching(/stopped\n$/),
    });

    const second = run("--port", "0", "--data-dir", dataDir);
    const after = new PubsubClients(await listening(second));
    expect((await after.publisher.getTopic({ topic }))[0].name).toBe(topic);
    await after.close();
    second.child.kill("SIGTERM");
    expect(await second.ended).toBe(0);
  });

  test("says its options and its version", async () => {
    const help = run("--help");
    expect(await help.ended).toBe(0);
    for (const option of ["port", "host", "data-dir", "project", "help", "version"])
      expect(help.printed.stdout).toContain(`--${option} `);
    const version = run("--version");
    expect(await version.ended).toBe(0);
    expect(version.printed.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("says in one line, with exit code 78, what it cannot use", async () => {
    const held = join(folder, "held");
    const other = await startPubsubServer({ dataDir: held });
    writeFileSync(join(folder, "file"), "");
    const cases: [args: string[], line: string | RegExp][] = [
      [["--prot", "1"], /^Unknown option '--prot'; --help lists the options\n$/],
      [["serve"], /^Unexpected argument 'serve'; --help lists the options\n$/],
      [["--port", "99999"], "--port 99999 is not a port: expected 0 to 65535\n"],
      [["--port", String(other.port)], `cannot listen on ${other.address}: the port is in use\n`],
      [["--host", "192.0.2.1"], /^cannot listen on 192.0.2.1:8085: .*no such address\n$/],
      [["--data-dir", join(folder, "file/x")], /^cannot write to .*file\/x: ENOTDIR \(mkdir\)\n$/],
      [["--data-dir", "/proc/x"], /^cannot write to \/proc\/x: E[A-Z]+ \(mkdir\)\n$/],
      [
        ["--data-dir", held],
        `${held} is in use by the Pub/Sub server with process id ${process.pid}\n`,
      ],
    ];
    for (const [args, line] of cases) {
      const { printed, ended } = run(...args);
      expect([await ended, printed.stdout]).toEqual([78, ""]);
      if (typeof line === "string") expect(printed.stderr).toBe(line);
      else expect(printed.stderr).toMatch(line);
    }
    await other.stop();
  });
});
