import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { linkPackages } from "../support/link-packages.ts";

/* What `npm run check` is there to find, planted in a copy of the project. */

const PROJECT = join(import.meta.dirname, "../..");
const { scripts } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8"));
/** Each tool of `npm run check`, as the script names it. */
const TOOLS: string[] = scripts.check.split(" && ");

let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "escrow-checks-"));
  const files = git(PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard");
  for (const file of files.split("\0").filter((name) => name !== ""))
    cpSync(join(PROJECT, file), join(copy, file), { force: true });
  linkPackages(copy);
  git(copy, "init", "--quiet");
  git(copy, "add", "--all");
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

function git(cwd: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd, encoding: "utf8", maxBuffer: 2 ** 26 });
}

/** Runs one tool of the check in the copy. */
function check(tool: string): { status: number | null; words: string } {
  const command = TOOLS.find((each) => each.includes(tool));
  if (command === undefined) throw new Error(`npm run check does not run ${tool}`);
  const { status, stdout, stderr } = spawnSync(command, {
    cwd: copy,
    shell: true,
    encoding: "utf8",
    env: {
      ...process.env,
      PATH: [join(copy, "node_modules/.bin"), process.env.PATH].join(delimiter),
      NO_COLOR: "1",
    },
  });
  return { status, words: stdout + stderr };
}

/** Changes a file of the copy for as long as the check takes. */
function checkWith(tool: string, file: string, change: (text: string) => string) {
  const path = join(copy, file);
  const before = readFileSync(path, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`${file} was not changed`);
  writeFileSync(path, after);
  try {
    return check(tool);
  } finally {
    writeFileSync(path, before);
  }
}

test.each(["depcruise", "check-citations", "check-words", "remark", "generate.ts"])(
  "%s finds nothing in the project as it is",
  (tool) => {
    expect(check(tool)).toMatchObject({ status: 0 });
  },
);

test("an import that a room may not have is found, and so are two files that import each other", () => {
  const planted: [file: string, target: string, found: string][] = [
    ["src/events/event-id.ts", "../../engine/checkpoint.ts", "src-imports: src/events/event-id.ts"],
    [
      "packages/relay/backoff.ts",
      "../../config/config-error.ts",
      "package-imports: packages/relay",
    ],
    ["packages/consumer/parking.ts", "../relay/backoff.ts", "package-imports: packages/consumer"],
    ["engine/checkpoint.ts", "../source/log-source.ts", "engine-imports: engine/checkpoint.ts"],
    ["config/config-error.ts", "../db/with-client.ts", "config-imports: config/config-error.ts"],
    ["proof/verify/findings.ts", "../../cli/verify.ts", "proof-imports: proof/verify/findings.ts"],
    ["supervisor/supervised-process.ts", "../test/support/wait-until.ts", "nothing-imports-test"],
    ["source/log-order.ts", "./log-source.ts", "no-circle: source/"],
  ];
  const before = planted.map(([file]) => readFileSync(join(copy, file), "utf8"));
  for (const [at, [file, target]] of planted.entries())
    writeFileSync(join(copy, file), `import "${target}";\n${before[at]}`);
  const { status, words } = check("depcruise");
  for (const [at, [file]] of planted.entries()) writeFileSync(join(copy, file), before[at] ?? "");
  expect(status).not.toBe(0);
  for (const [, , found] of planted) expect(words).toContain(found);
});

test.each(["nowhere.md", "glossary.md#no-such-heading"])("a dead link is found: %s", (target) => {
  const { status, words } = checkWith(
    "remark",
    "docs/README.md",
    (text) => `${text}\nSee [there](${target}).\n`,
  );
  expect(status).not.toBe(0);
  expect(words).toContain(target.split("#").at(-1));
});

test("a guarantee that no test cites is found, and so is a citation of none", () => {
  const guarantees = "docs/explanation/guarantees.md";
  // Written apart, so that it is no citation itself.
  const id = ["G", 99].join("-");
  const uncited = checkWith("check-citations", guarantees, (text) =>
    text.replace("## G-1\n", `## ${id}\n\n**Nothing ever fails.**\n\n## G-1\n`),
  );
  expect(uncited).toMatchObject({ status: 1 });
  expect(uncited.words).toContain(`${id} has no test that cites it`);
  const unknown = checkWith("check-citations", guarantees, (text) =>
    text.replace("## G-3\n", "## Three\n"),
  );
  expect(unknown.status).toBe(1);
  expect(unknown.words).toContain("G-3");
});

test("a line that is logged without an event is found", () => {
  const file = "packages/consumer/message-stream.ts";
  const { status, words } = checkWith("generate.ts", file, (text) =>
    text.replace('event: "subscription.failed",', ""),
  );
  expect(status).not.toBe(0);
  expect(words).toContain(`${file}: log.error(`);
});

test.each(["packages/messages/bodies.ts", "docs/reference/events.md"])(
  "an event that is missing in %s is found",
  (file) => {
    const { status, words } = checkWith("generate.ts", file, (text) =>
      text.replaceAll("EscrowRefunded", "EscrowGone"),
    );
    expect(status).toBe(1);
    expect(words).toContain(file);
  },
);

test("an event that the catalogue has and its consumers do not is found", () => {
  const schema = "packages/messages/schemas/approved.json";
  const before = readFileSync(join(copy, schema), "utf8");
  rmSync(join(copy, schema));
  const { status, words } = check("generate.ts");
  appendFileSync(join(copy, schema), before);
  expect(status).toBe(1);
  expect(words).toContain(schema);
});

test("a word that the glossary has replaced is found", () => {
  const { status, words } = checkWith(
    "check-words",
    "source/log-order.ts",
    (text) => `// It is read an${"ew"}.\n${text}`,
  );
  expect(status).not.toBe(0);
  expect(words).toContain("source/log-order.ts");
});
