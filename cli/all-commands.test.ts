import { describe, expect, test } from "vitest";
import { adoptTopic } from "./adopt-topic.ts";
import { api } from "./api.ts";
import { audit } from "./audit.ts";
import { auditTopicCommand } from "./audit-topic.ts";
import { certificate } from "./certificate.ts";
import type { AnyCommand } from "./command.ts";
import { dbRoles } from "./db-roles.ts";
import { exportCommand } from "./export.ts";
import { heal } from "./heal.ts";
import { importCommand } from "./import.ts";
import { indexer } from "./indexer.ts";
import { keys } from "./keys.ts";
import { parseArguments } from "./parse-arguments.ts";
import { rebuild } from "./rebuild.ts";
import { relay } from "./relay.ts";
import { replay } from "./replay.ts";
import { replayEngine } from "./replay-engine.ts";
import { runCommand } from "./run-command.ts";
import { start } from "./start.ts";
import { state } from "./state.ts";
import { verify } from "./verify.ts";
import { witness } from "./witness.ts";

/* What the command lines say; `test/integration/commands.test.ts` starts each as a process. */

const COMMANDS = [
  ...[
    adoptTopic,
    api,
    audit,
    auditTopicCommand,
    certificate,
    dbRoles,
    exportCommand,
    heal,
    importCommand,
    indexer,
    keys,
    rebuild,
  ],
  ...[relay, replay, replayEngine, start, state, verify, witness],
] as unknown as AnyCommand[];

const parse = (command: unknown, ...args: string[]) => parseArguments(command as AnyCommand, args);
const problems = (command: unknown, ...args: string[]) =>
  parse(command, ...args).problems.map(({ where, what }) => `${where}: ${what}`);

describe.each(COMMANDS.map((command): [string, AnyCommand] => [command.name, command]))(
  "%s",
  (_, command) => {
    test("shows each of its options and variables with --help", async () => {
      const shown: string[] = [];
      const streams = { out: (text: string) => void shown.push(text), err: () => undefined };
      expect(await runCommand(command, ["--help"], {}, streams)).toBe(0);
      for (const option of Object.keys(command.options)) expect(shown[0]).toContain(`--${option}`);
      for (const { variables } of Object.values(command.config))
        for (const variable of variables) expect(shown[0]).toContain(variable);
    });

    test("refuses what is no option of it", () => {
      expect(problems(command, "--nonsense")).toEqual([
        "--nonsense: is no option here; --help lists those that are",
      ]);
    });
  },
);

test("npm start runs until it is stopped, with three sample events a second", () => {
  const { options } = parse(start);
  expect(options).toMatchObject({ for: undefined, seed: 1, "events-per-second": 3 });
  const given = parse(start, "--for", "90s", "--seed=7", "--events-per-second", "0.5");
  expect(given.options).toMatchObject({ for: 90_000, seed: 7, "events-per-second": 0.5 });
  expect(problems(start, "--for=x", "--seed=x", "--events-per-second=1001", "30s")).toHaveLength(4);
});

test("replay swaps after a look and removes the old deployment a minute later", () => {
  expect(parse(replay).options).toMatchObject({ grace: 60_000, keep: false, "to-block": [] });
  expect(problems(replay, "--to-block", "9", "--accept-differences")).toEqual([
    "--accept-differences: with --to-block nothing is ever swapped: leave one of the two out",
  ]);
});

test("audit names every option that is not usable", () => {
  const wrong = ["--from-block=x", "--to-block=-1", "--limit=0", "--allow-unknown=0x12", "--out="];
  expect(problems(audit, ...wrong).map((problem) => problem.split(":")[0])).toEqual([
    ...["--from-block", "--to-block", "--allow-unknown", "--out", "--limit"],
  ]);
  expect(problems(audit, "--from-block=9", "--to-block=3")).toEqual([
    "--from-block: 9 lies behind --to-block 3",
  ]);
  expect(parse(audit, "--allow-unknown", "ANONYMOUS").options["allow-unknown"]).toEqual([
    "anonymous",
  ]);
});

test("state takes a chain and an escrow, in whatever spelling of its address", () => {
  const address = `0x${"Ab".repeat(20)}`;
  expect(parse(state, "sepolia", address).words).toEqual({
    chain: "sepolia",
    address: address.toLowerCase(),
  });
  for (const words of [[], ["1"], ["1", "0x12"], ["1", address, "more"]])
    expect(problems(state, ...words)).toHaveLength(1);
});

test("import takes one file, and never the schema of the views", () => {
  expect(parse(importCommand, "a.ndjson")).toMatchObject({ words: "a.ndjson", problems: [] });
  expect(problems(importCommand, "a", "b")).toEqual(["arguments: expected one <file>, or -"]);
  expect(problems(importCommand, "a", "--schema=escrow")).toHaveLength(1);
});

test("export has to be told where to write", () => {
  expect(problems(exportCommand)).toEqual(["--out: say where to write: a file, or -"]);
  expect(problems(exportCommand, "--out", "-")).toEqual([]);
});

test("adopt:topic takes a subscription, or the journal as it is, and not both", () => {
  expect(problems(adoptTopic)).toHaveLength(1);
  expect(problems(adoptTopic, "--as-is", "--subscription", "s")).toHaveLength(1);
  expect(problems(adoptTopic, "--subscription", "s")).toEqual([]);
});

test("nobody but npm run replay starts its engine", () => {
  expect(problems(replayEngine, "escrow_1", "more")).toEqual([
    "arguments: npm run replay starts this by itself",
  ]);
});
