import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { VARIABLES, type Variable, type VariableName, type VariableValue } from "./variables.ts";

export type Env = Record<string, string | undefined>;

/** What some part of a program needs to know, made from its variables. */
export type Section<T> = {
  variables: readonly VariableName[];
  /** @throws ConfigError with every problem found */
  parse(env: Env): T;
};

/** Reads variables and collects what is wrong with them. */
export type VariableReader<N extends VariableName> = {
  /** Its value; its default, or nothing, when it is wrong, which is noted. */
  get<M extends N>(name: M): VariableValue<M>;
  /** The same of `<name>_<chain id>`. */
  getForChain<M extends N>(name: M, chainId: number): VariableValue<M>;
  isSet(name: N | `${N}_${number}`): boolean;
  problem(where: string, what: string): void;
};

/** @param make may return anything once it has noted a problem: it is not used then */
export function section<N extends VariableName, T>(
  variables: readonly N[],
  make: (read: VariableReader<N>) => T,
): Section<T> {
  return {
    variables,
    parse: (env) => {
      const problems: ConfigProblem[] = [];
      // What is read for each of several chains is wrong once.
      const problem = (where: string, what: string): void => {
        if (!problems.some((each) => each.where === where && each.what === what))
          problems.push({ where, what });
      };
      const made = make({
        get: (name) => readVariable(env, name, name, problem) as never,
        getForChain: (name, chainId) =>
          readVariable(env, name, `${name}_${chainId}`, problem) as never,
        isSet: (name) => Boolean(env[name]),
        problem,
      });
      if (problems.length > 0) throw new ConfigError(problems);
      return made;
    },
  };
}

/** Sections of a program by their names, and what they are parsed to. */
export type Sections = Record<string, Section<unknown>>;
export type Parsed<S extends Sections> = {
  [K in keyof S]: S[K] extends Section<infer T> ? T : never;
};

/**
 * Parses all that a program needs, once.
 *
 * @throws ConfigError with every problem of every section, each once
 */
export function parseSections<S extends Sections>(env: Env, sections: S): Parsed<S> {
  const problems = new Map<string, ConfigProblem>();
  const parsed: Record<string, unknown> = {};
  for (const [name, { parse }] of Object.entries(sections))
    try {
      parsed[name] = parse(env);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems)
        problems.set(`${problem.where} ${problem.what}`, problem);
    }
  if (problems.size > 0) throw new ConfigError([...problems.values()]);
  return parsed as Parsed<S>;
}

/** An empty variable counts as absent. */
function readVariable(
  env: Env,
  name: VariableName,
  where: string,
  problem: (where: string, what: string) => void,
): unknown {
  const { type }: Variable = VARIABLES[name];
  const text = env[where] || undefined;
  const { success, data, error } = type.safeParse(text);
  if (success) return data;
  for (const { path, message } of error.issues)
    problem([where, ...path].join("."), text === undefined ? `is not set; ${message}` : message);
  return type.safeParse(undefined).data;
}
