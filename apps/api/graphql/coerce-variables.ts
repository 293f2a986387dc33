import { type GraphQLSchema, getVariableValues, type OperationDefinitionNode } from "graphql";

type Coerced = ReturnType<typeof getVariableValues>;

/** For as long as a request lasts: its variables are looked at before it is executed, and while. */
const known = new WeakMap<object, { operation: OperationDefinitionNode; coerced: Coerced }>();

/** The values of a question's variables, or what is wrong with them. */
export function coerceVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  sent: Record<string, unknown>,
): Coerced {
  const remembered = known.get(sent);
  if (remembered?.operation === operation) return remembered.coerced;
  const coerced = getVariableValues(schema, operation.variableDefinitions ?? [], sent);
  known.set(sent, { operation, coerced });
  return coerced;
}
