import {
  type DocumentNode,
  defaultFieldResolver,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getOperationAST,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { coerceVariables } from "../coerce-variables.ts";
import {
  begin,
  type Complete,
  leaf,
  list,
  notNull,
  object,
  type PlannedField,
  type Run,
} from "./planned-value.ts";

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

function makePlan(schema: GraphQLSchema, operation: OperationDefinitionNode): QuestionPlan | null {
  const type = schema.getQueryType();
  if (operation.operation !== "query" || !type) return null;
  try {
    const answer = object(new Planner(schema).fields(type, [operation.selectionSet]));
    return async (context, sent) => {
      const { coerced: variables, errors } = coerceVariables(schema, operation, sent);
      if (variables === undefined) throw errors[0];
      return await answer({}, { context, variables, args: [] });
    };
  } catch (error) {
    if (error instanceof NoPlan) return null;
    throw error;
  }
}

class NoPlan extends Error {}

/** What the fields of a schema say of themselves to a plan, as `extensions`. */
type FieldExtensions = {
  columns?: readonly string[];
  /** Of the row that a field leads to, what its arguments say already; null when they do not. */
  // biome-ignore lint/suspicious/noExplicitAny: arguments are what the field says
  keyOf?: (args: any) => Record<string, unknown> | null;
};

class Planner {
  readonly #schema: GraphQLSchema;
  #withArguments = 0;

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  fields(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): PlannedField[] {
    return [...collect(sets)].map(([key, nodes]) => this.#field(type, key, nodes));
  }

  #field(parentType: GraphQLObjectType, key: string, fieldNodes: FieldNode[]): PlannedField {
    const [node] = fieldNodes;
    if (node === undefined) throw new NoPlan();
    if (node.name.value === "__typename") return { key, from: null, answer: () => parentType.name };
    const field = parentType.getFields()[node.name.value];
    if (field === undefined) throw new NoPlan();
    const { name: fieldName, type: returnType, resolve = defaultFieldResolver } = field;
    const named = getNamedType(returnType);
    const fields = isObjectType(named) ? this.fields(named, setsOf(fieldNodes)) : null;
    const complete = completeOf(returnType, fields, `${parentType.name}.${fieldName}`);
    // As much of it as fields here look at.
    const info = {
      ...{ fieldName, fieldNodes, returnType, parentType },
      ...{ schema: this.#schema, fragments: {} },
    } as unknown as GraphQLResolveInfo;
    const { columns, keyOf } = field.extensions as FieldExtensions;
    const number = field.args.length === 0 ? null : this.#withArguments++;
    const argsOf = (run: Run, at: number): object => {
      run.args[at] ??= getArgumentValues(field, node, run.variables);
      return run.args[at];
    };
    return {
      key,
      from: fields === null ? null : (columns ?? null),
      answer: (source, run) => {
        const args = number === null ? NO_ARGUMENTS : argsOf(run, number);
        const found = resolve(source, args, run.context, info);
        if (!(found instanceof Promise)) return complete(found, run);
        const rowKey = keyOf?.(args) ?? null;
        const begun = rowKey === null || fields === null ? undefined : begin(fields, rowKey, run);
        return found.then((value) => complete(value, run, begun));
      },
    };
  }
}

function completeOf(
  type: GraphQLOutputType,
  fields: readonly PlannedField[] | null,
  name: string,
): Complete {
  if (isNonNullType(type)) return notNull(completeOf(type.ofType, fields, name), name);
  if (isListType(type)) return list(completeOf(type.ofType, fields, name));
  if (isLeafType(type)) return leaf(type, name);
  if (fields === null) throw new NoPlan();
  return object(fields);
}

function setsOf(nodes: readonly FieldNode[]): SelectionSetNode[] {
  return nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
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
