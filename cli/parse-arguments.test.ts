import { describe, expect, test } from "vitest";
import type { AnyCommand } from "./command.ts";
import { flag, optional, repeated, withDefault } from "./command-option.ts";
import { wholeNumber } from "./option-values.ts";
import { parseArguments } from "./parse-arguments.ts";

const command: AnyCommand = {
  name: "example",
  says: "An example.",
  options: {
    quick: flag("does less"),
    name: optional("<name>", "whose"),
    limit: withDefault("<n>", "how many", "50", wholeNumber(1, 100)),
    chain: repeated("<id>", "which"),
  },
  config: {},
  run: async () => 0,
};
const parse = (...args: string[]) => parseArguments(command, args);
const problems = (...args: string[]) =>
  parse(...args).problems.map(({ where, what }) => `${where}: ${what}`);

test("what is left out has its default", () => {
  expect(parse()).toMatchObject({
    isHelp: false,
    options: { quick: false, name: undefined, limit: 50, chain: [] },
    problems: [],
  });
});

test("values are given with a space or an equals sign, and the last one counts", () => {
  const args = ["--quick", "--name", "a", "--name=b", "--limit=7", "--chain", "1", "--chain=2"];
  expect(parse(...args).options).toEqual({ quick: true, name: "b", limit: 7, chain: ["1", "2"] });
});

test("--help is heard wherever it is, and by its letter", () => {
  for (const args of [["--help"], ["-h"], ["--nonsense", "--help"], ["--limit=x", "-h"]])
    expect(parse(...args).isHelp).toBe(true);
});

describe("a command line is refused", () => {
  test.each([
    [["--nonsense"], "--nonsense: is no option here; --help lists those that are"],
    [["-x"], "-x: is no option here; --help lists those that are"],
    [["--name"], "--name: needs a value: <name>"],
    [
      ["--name", "--quick"],
      "--name: needs a value; one that begins with - is given as --name=--quick",
    ],
    [["--quick=yes"], "--quick: takes no value"],
    [["--limit", "many"], '--limit: "many" is not a whole number from 1 to 100'],
    [["word"], 'arguments: there is nothing to do with "word"; see --help'],
  ])("%j", (args, problem) => {
    expect(problems(...args)).toContain(problem);
  });

  test("with everything that is wrong at once", () => {
    expect(problems("--nonsense", "--limit=0", "--quick=yes")).toHaveLength(3);
  });

  test("without a word about what may be the value of an unknown option", () => {
    expect(problems("--nonsense", "word")).toHaveLength(1);
  });

  test("when options contradict each other", () => {
    const check = () => [{ where: "--quick", what: "not with --name" }];
    expect(parseArguments({ ...command, check }, ["--quick"]).problems).toEqual(check());
  });

  test("when the words are not those that it takes", () => {
    const words = {
      usage: "<file>",
      read: ([file]: string[]) => {
        if (file === undefined) throw new Error("expected <file>");
        return file;
      },
    };
    expect(parseArguments({ ...command, words }, ["a.txt"]).words).toBe("a.txt");
    expect(parseArguments({ ...command, words }, []).problems).toEqual([
      { where: "arguments", what: "expected <file>" },
    ]);
  });
});

test("a command of the embedded parts has --data-dir", () => {
  const found = parseArguments({ ...command, dataDir: "finds" }, ["--data-dir", "/x"]);
  expect(found).toMatchObject({ dataDir: "/x", problems: [] });
  expect(problems("--data-dir=/x")).toHaveLength(1);
});
