import { ERRORS, type ErrorCode } from "./error-catalogue.ts";

/**
 * One thing that is wrong with the configuration: where, and what to do. It may pass by itself when
 * something named there does not answer now: then the configuration may be right.
 */
export type ConfigProblem = {
  where: string;
  what: string;
  /** Without it, that of a variable or an argument, or of something that is not ready yet. */
  code?: ErrorCode;
  mayPass?: boolean;
};

/** The configuration cannot be used. The message lists every problem at once, with its code. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly problems: ConfigProblem[];

  constructor(problems: ConfigProblem[], options?: ErrorOptions) {
    super(
      problems
        .map((problem) => `${codeOfProblem(problem)}: ${problem.where}: ${problem.what}`)
        .join("\n"),
      options,
    );
    this.problems = problems;
  }

  /** The code of the first problem that will not pass by itself, or else of the first. */
  get code(): ErrorCode {
    const codes = this.problems.map(codeOfProblem);
    return codes.find((code) => ERRORS[code].class === "permanent") ?? codes[0] ?? "ES-VARIABLE";
  }

  /** Whether starting again later may help without anybody's doing. */
  get mayPass(): boolean {
    return ERRORS[this.code].class === "retryable";
  }
}

function codeOfProblem({ where, code, mayPass }: ConfigProblem): ErrorCode {
  if (code !== undefined) return code;
  if (mayPass) return "ES-NOT-READY";
  return /^(-|<|arguments?$)/.test(where) ? "ES-ARGUMENT" : "ES-VARIABLE";
}
