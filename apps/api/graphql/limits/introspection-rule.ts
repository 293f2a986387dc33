import { type ASTNode, type FieldNode, GraphQLError, Kind, type ValidationRule } from "graphql";

/** Fields of the schema's own types that lead from a type to many others. */
const TO_MANY_TYPES = new Set(["fields", "inputFields", "interfaces", "possibleTypes"]);
/** The usual introspection query has one within `types`; each more multiplies the answer. */
const MAX_NESTED = 2;

/** Refuses a question about the schema that goes round in its types: its answer has no bound. */
export const introspectionRule: ValidationRule = (context) => {
  const counted = new Map<string, number>();
  const nested = (node: FieldNode | ASTNode): number => {
    if (node.kind === Kind.FRAGMENT_SPREAD) {
      const name = node.name.value;
      // Set first: a fragment that leads to itself is another rule's to refuse.
      if (!counted.has(name)) {
        counted.set(name, 0);
        const fragment = context.getFragment(name);
        counted.set(name, fragment ? deepest(fragment.selectionSet.selections) : 0);
      }
      return counted.get(name) ?? 0;
    }
    if (node.kind !== Kind.FIELD && node.kind !== Kind.INLINE_FRAGMENT) return 0;
    const own = node.kind === Kind.FIELD && TO_MANY_TYPES.has(node.name.value) ? 1 : 0;
    return own + deepest(node.selectionSet?.selections ?? []);
  };
  const deepest = (nodes: readonly ASTNode[]): number => Math.max(0, ...nodes.map(nested));
  return {
    Field: (node) => {
      if (node.name.value !== "__schema" && node.name.value !== "__type") return;
      if (nested(node) > MAX_NESTED)
        context.reportError(
          new GraphQLError("the question about the schema goes from type to type too often", {
            nodes: node,
          }),
        );
    },
  };
};
