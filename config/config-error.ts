/**
 * One thing that is wrong with the configuration: where, and what to do. It may pass by itself when
 * something named there does not answer now: then the configuration may be right.
 */
export type ConfigProblem = { where: string; what: string; mayPass?: boolean };

/** The configuration cannot be used. The message lists every problem at once. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly problems: ConfigProblem[];

  constructor(problems: ConfigProblem[]) {
    super(
      `The configuration is not usable:\n${problems.map(({ where, what }) => `  - ${where}: ${what}`).join("\n")}`,
    );
    this.problems = problems;
  }

  /** Whether starting again later may help without anybody mending anything. */
  get mayPass(): boolean {
    return this.problems.every((problem) => problem.mayPass === true);
  }
}
