import type { GraphQLLeafType } from "graphql";

/** What one execution is about; `args` are those of each field, made for the first of its rows. */
export type Run = { context: unknown; variables: Record<string, unknown>; args: object[] };
/** Fields of an object that are answered already, or will be. */
type Begun = Readonly<Record<string, unknown>>;
/** Makes of what was found what is answered, or a promise of it. */
export type Complete = (found: unknown, run: Run, begun?: Begun) => unknown;

export type PlannedField = {
  key: string;
  answer: Complete;
  /** Of a relation, the columns of its row that it begins at. */
  from: readonly string[] | null;
};

/** @param name of its field, for the error */
export function notNull(complete: Complete, name: string): Complete {
  const check = (value: unknown): unknown => {
    if (value !== null) return value;
    throw new Error(`Cannot return null for non-nullable field ${name}.`);
  };
  return (found, run) => {
    const value = complete(found, run);
    return value instanceof Promise ? value.then(check) : check(value);
  };
}

export function leaf(type: GraphQLLeafType, name: string): Complete {
  return (found) => {
    const value = found == null ? null : type.serialize(found);
    if (value === undefined) throw new Error(`${name} has a value that is no ${type.name}`);
    return value;
  };
}

export function list(complete: Complete): Complete {
  return (found, run) => {
    if (found == null) return null;
    const all: unknown[] = [];
    try {
      for (const each of found as Iterable<unknown>) all.push(complete(each, run));
    } catch (error) {
      leave(all);
      throw error;
    }
    return all.some((each) => each instanceof Promise) ? Promise.all(all) : all;
  };
}

export function object(fields: readonly PlannedField[]): Complete {
  return (row, run, begun) => {
    if (row == null) return null;
    const answer: Record<string, unknown> = {};
    const waiting: string[] = [];
    try {
      for (const { key, answer: answerField } of fields) {
        answer[key] = begun?.[key] ?? answerField(row, run);
        if (answer[key] instanceof Promise) waiting.push(key);
      }
    } catch (error) {
      leave(Object.values(answer));
      throw error;
    }
    return waiting.length === 0 ? answer : allOf(answer, waiting);
  };
}

/**
 * Begins with the relations of a row for which its key is enough, so that they are read together with
 * it. Whoever waits for the row may find that there is none, and need nothing of this.
 */
export function begin(
  fields: readonly PlannedField[],
  key: Readonly<Record<string, unknown>>,
  run: Run,
): Begun {
  const begun: Record<string, unknown> = {};
  for (const field of fields)
    if (field.from?.every((column) => column in key))
      begun[field.key] = (async () => await field.answer(key, run))();
  leave(Object.values(begun));
  return begun;
}

/** Waits for what an answer has promises of. */
async function allOf(
  answer: Record<string, unknown>,
  waiting: readonly string[],
): Promise<Record<string, unknown>> {
  const found = await Promise.all(waiting.map((key) => answer[key]));
  for (const [at, key] of waiting.entries()) answer[key] = found[at];
  return answer;
}

/** Nobody need wait for these, whatever becomes of them. */
function leave(values: readonly unknown[]): void {
  for (const each of values) if (each instanceof Promise) each.catch(() => undefined);
}
