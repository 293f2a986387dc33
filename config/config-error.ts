/** One thing that is wrong with the configuration: where, and what to do. */
export type ConfigProblem = { where: string; what: string };

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
}
