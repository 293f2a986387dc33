import {
  type DocumentNode,
  defaultFieldResolver,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";

/** What one execution is about; `args` are those of each field, made for the first of its rows. */
type Run = { context: unknown; variables: Record<string, unknown>; args: object[] };
/** Makes of what was found what is answered, or a promise of it. */
type Complete = (found: unknown, run: Run) => unknown;

/**
 * Answers a question that was checked.
 *
 * @returns the `data` of the answer
 * @throws the first error of any field, without its place; GraphQLError for variables that are wrong
 */
export type QuestionPlan = (context: unknown, sent: Record<string, unknown>) => Promise<unknown>;

const NO_ARGUMENTS = Object.freeze({});

/** Documents are parsed once and asked many times. */
const known = new WeakMap<OperationDefinitionNode, QuestionPlan | null>();

/**
 * What GraphQL finds out for every field of every row, found out once for a question: which fields
 * there are, of which type, with which arguments. A plan answers as `execute` does (GraphQL,
 * "Execution") as long as nothing goes wrong; what an error does to an answer is left to `execute`.
 *
 * @returns null for what has no plan: directives, named fragments, questions about the schema, all
 *   that is no query
 */
export function planOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): QuestionPlan | null {
  const operation = getOperationAST(document, operationName);
  // Fragments in fragments make a plan larger than its question, which is what is bounded.
  if (!operation || document.definitions.length > 1) return null;
  let plan = known.get(operation);
  if (plan === undefined) {
    plan = makePlan(schema, operation);
    known.set(operation, plan);
  }
  return plan;
}

function makePlan(
  schema: GraphQLSchema,
  { operation, selectionSet, variableDefinitions = [] }: OperationDefinitionNode,
): QuestionPlan | null {
  const type = schema.getQueryType();
  if (operation !== "query" || !type) return null;
  try {
    const answer = new Planner(schema).object(type, [selectionSet]);
    return async (context, sent) => {
      const { coerced: variables, errors } = getVariableValues(schema, variableDefinitions, sent);
      if (variables === undefined) throw errors[0];
      return await answer({}, { context, variables, args: [] });
    };
  } catch (error) {
    if (error instanceof NoPlan) return null;
    throw error;
  }
}

class NoPlan extends Error {}

class Planner {
  readonly #schema: GraphQLSchema;
  #fields = 0;

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  object(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Complete {
    const fields = [...collect(sets)].map(([key, nodes]) => ({
      key,
      answerField: this.#field(type, nodes),
    }));
    return (source, run) => {
      if (source == null) return null;
      const answer: Record<string, unknown> = {};
      const waiting: string[] = [];
      try {
        for (const { key, answerField } of fields) {
          answer[key] = answerField(source, run);
          if (answer[key] instanceof Promise) waiting.push(key);
        }
      } catch (error) {
        leave(Object.values(answer));
        throw error;
      }
      return waiting.length === 0 ? answer : allOf(answer, waiting);
    };
  }

  #field(parentType: GraphQLObjectType, fieldNodes: FieldNode[]): Complete {
    const [node] = fieldNodes;
    if (node === undefined) throw new NoPlan();
    if (node.name.value === "__typename") return () => parentType.name;
    const field = parentType.getFields()[node.name.value];
    if (field === undefined) throw new NoPlan();
    const { name: fieldName, type: returnType, resolve = defaultFieldResolver } = field;
    const complete = this.#value(returnType, fieldNodes, `${parentType.name}.${fieldName}`);
    // As much of it as fields here look at.
    const info = {
      ...{ fieldName, fieldNodes, returnType, parentType },
      ...{ schema: this.#schema, fragments: {} },
    } as unknown as GraphQLResolveInfo;
    const number = field.args.length === 0 ? null : this.#fields++;
    const argsOf = (run: Run, at: number): object => {
      run.args[at] ??= getArgumentValues(field, node, run.variables);
      return run.args[at];
    };
    return (source, run) => {
      const args = number === null ? NO_ARGUMENTS : argsOf(run, number);
      const found = resolve(source, args, run.context, info);
      return found instanceof Promise
        ? found.then((value) => complete(value, run))
        : complete(found, run);
    };
  }

  #value(type: GraphQLOutputType, nodes: readonly FieldNode[], name: string): Complete {
    if (isNonNullType(type)) {
      const complete = this.#value(type.ofType, nodes, name);
      const notNull = (value: unknown): unknown => {
        if (value !== null) return value;
        throw new Error(`Cannot return null for non-nullable field ${name}.`);
      };
      return (found, run) => {
        const value = complete(found, run);
        return value instanceof Promise ? value.then(notNull) : notNull(value);
      };
    }
    if (isListType(type)) return listOf(this.#value(type.ofType, nodes, name));
    if (isLeafType(type))
      return (found) => {
        const value = found == null ? null : type.serialize(found);
        if (value === undefined) throw new Error(`${name} has a value that is no ${type.name}`);
        return value;
      };
    if (!isObjectType(type)) throw new NoPlan();
    return this.object(
      type,
      nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
    );
  }
}

/** The fields of selections by the key of their answer. No type here has several shapes. */
function collect(
  sets: readonly SelectionSetNode[],
  found = new Map<string, FieldNode[]>(),
): Map<string, FieldNode[]> {
  for (const selection of sets.flatMap(({ selections }) => selections)) {
    if (selection.kind === Kind.FRAGMENT_SPREAD || selection.directives?.length) throw new NoPlan();
    if (selection.kind === Kind.INLINE_FRAGMENT) collect([selection.selectionSet], found);
    else {
      const key = selection.alias?.value ?? selection.name.value;
      // No key of a plain object.
      if (key === "__proto__") throw new NoPlan();
      found.set(key, [...(found.get(key) ?? []), selection]);
    }
  }
  return found;
}

function listOf(complete: Complete): Complete {
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

/** Waits for what an answer has promises of. */
async function allOf(
  answer: Record<string, unknown>,
  waiting: readonly string[],
): Promise<Record<string, unknown>> {
  const found = await Promise.all(waiting.map((key) => answer[key]));
  for (const [at, key] of waiting.entries()) answer[key] = found[at];
  return answer;
}

/** Nobody waits for these any more, whatever becomes of them. */
function leave(values: readonly unknown[]): void {
  for (const each of values) if (each instanceof Promise) each.catch(() => undefined);
}
