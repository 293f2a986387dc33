import { ConfigError, type ConfigProblem } from "../../config/config-error.ts";

/** Every problem that a parser of configuration reports. */
export function problemsOf(parse: () => unknown): ConfigProblem[] {
  try {
    parse();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
