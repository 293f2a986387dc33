import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
} from "graphql";
import { badValue } from "../bad-value.ts";
import { coerceVariables } from "../coerce-variables.ts";
import { QUERY_LIMITS } from "./query-limits.ts";
import { Scales, type Weight } from "./weigh-selection.ts";

type Limited = Exclude<keyof Weight, "counts">;

const WORDS: Record<Limited, string> = {
  cost: "can answer up to %d rows, page sizes multiplied along the way down",
  depth: "is %d fields deep",
  aliases: "has %d aliases",
  directives: "has %d directives",
};

/**
 * Checks what a question asks for against the limits, before anything is read.
 *
 * @throws GraphQLError which says what is over which limit
 */
export function checkQuestion(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  sent: Record<string, unknown>,
): void {
  const operation = getOperationAST(document, operationName);
  const type = operation && schema.getRootType(operation.operation);
  // Execution says what is wrong with these.
  if (!operation || !type) return;
  const variables = coerceVariables(schema, operation, sent);
  if (variables.coerced === undefined) return;
  const fragments: Record<string, FragmentDefinitionNode> = {};
  for (const each of document.definitions)
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments[each.name.value] = each;
  const scales = new Scales({ fragments, variables: variables.coerced });
  const weight = scales.weigh(type, operation.selectionSet);
  for (const limit of Object.keys(WORDS) as Limited[])
    if (weight[limit] > QUERY_LIMITS[limit]) throw tooMuch(limit, weight[limit]);
}

function tooMuch(limit: Limited, value: number): GraphQLError {
  const what = `the question ${WORDS[limit].replace("%d", String(value))}: the limit is ${QUERY_LIMITS[limit]}`;
  if (limit !== "cost") return badValue(what);
  return new GraphQLError(`${what}. Ask for smaller pages`, {
    extensions: { code: "ES-ANSWER-TOO-LARGE", http: { status: 422 } },
  });
}
