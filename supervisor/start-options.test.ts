import { describe, expect, test } from "vitest";
import { problemsOf } from "../test/support/problems-of.ts";
import { HELP, parseStartOptions } from "./start-options.ts";

const parse = (...args: string[]) => parseStartOptions(args, {});

test("without options the service runs until it is stopped, with three sample events a second", () => {
  expect(parse()).toEqual({
    help: false,
    forMs: null,
    dataDir: ".data",
    seed: 1,
    eventsPerSecond: 3,
  });
});

test("every option can be given, with a space or an equals sign", () => {
  expect(
    parse("--for", "90s", "--seed=7", "--events-per-second", "0.5", "--data-dir", "/x"),
  ).toEqual({ help: false, forMs: 90_000, dataDir: "/x", seed: 7, eventsPerSecond: 0.5 });
});

test("--help and -h ask for the text, which names every option", () => {
  expect(parse("--help").help).toBe(true);
  expect(parse("-h").help).toBe(true);
  for (const option of ["--for", "--seed", "--data-dir", "--events-per-second", "--help"])
    expect(HELP).toContain(option);
});

test.each([
  ["500ms", 500],
  ["90s", 90_000],
  ["5m", 300_000],
  ["1.5h", 5_400_000],
  ["20", 20_000],
  [" 3s ", 3_000],
])("--for %s is %d milliseconds", (text, ms) => {
  expect(parse("--for", text).forMs).toBe(ms);
});

test("the data folder is --data-dir, or DATA_DIR, or .data; an empty one counts as absent", () => {
  const dataDir = (args: string[], DATA_DIR: string | undefined) =>
    parseStartOptions(args, { DATA_DIR }).dataDir;
  expect(dataDir(["--data-dir", "/own"], "/env")).toBe("/own");
  expect(dataDir([], "/env")).toBe("/env");
  expect(dataDir([], "")).toBe(".data");
  expect(dataDir(["--data-dir", ""], undefined)).toBe(".data");
});

describe("a wrong command line is refused", () => {
  test.each(["soon", "", "5 minutes", "5d", "-5s", "1e3"])("--for=%s", (text) => {
    expect(problemsOf(() => parse(`--for=${text}`))).toEqual([
      {
        where: "--for",
        what: `"${text}" is not a time: expected a number with ms, s, m or h, such as 90s`,
      },
    ]);
  });

  test.each([
    ["--seed=x", "--seed", '"x" is not a number from 0 to 9007199254740991'],
    ["--seed=-1", "--seed", '"-1" is not a number from 0 to 9007199254740991'],
    ["--events-per-second=1001", "--events-per-second", '"1001" is not a number from 0 to 1000'],
    ["--events-per-second=", "--events-per-second", '"" is not a number from 0 to 1000'],
    [
      "--events-per-second=Infinity",
      "--events-per-second",
      '"Infinity" is not a number from 0 to 1000',
    ],
  ])("%s", (arg, where, what) => {
    expect(problemsOf(() => parse(arg))).toEqual([{ where, what }]);
  });

  test.each(["--forever", "30s", "--seed"])("%s, which is no option or has no value", (arg) => {
    const [problem] = problemsOf(() => parse(arg));
    expect(problem?.where).toBe("command line");
    expect(problem?.what).toContain(arg);
  });

  test("with every problem at once", () => {
    const problems = problemsOf(() => parse("--for=x", "--seed=x", "--events-per-second=x"));
    expect(problems.map(({ where }) => where)).toEqual(["--seed", "--events-per-second", "--for"]);
  });
});
