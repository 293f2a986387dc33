import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from "graphql";

/** Documents are parsed once and asked many times. */
const known = new WeakMap<FieldNode, string[]>();

/**
 * Which columns of its rows a field has to read for what is selected below it. What a directive may
 * leave out is read even so.
 *
 * @param within the fields on the way to a row: `edges`, `nodes`
 */
export function selectedColumns(info: GraphQLResolveInfo, within: readonly string[]): string[] {
  const [node] = info.fieldNodes;
  // A field that is named twice has more than one node; what is remembered is of one.
  const isAlone = info.fieldNodes.length === 1;
  const remembered = isAlone && node !== undefined ? known.get(node) : undefined;
  if (remembered !== undefined) return remembered;
  const columns = new Set<string>();
  const visit = (type: GraphQLObjectType, selections: SelectionSetNode | undefined): void => {
    for (const selection of selections?.selections ?? []) {
      if (selection.kind === Kind.INLINE_FRAGMENT) visit(type, selection.selectionSet);
      else if (selection.kind === Kind.FRAGMENT_SPREAD)
        visit(type, info.fragments[selection.name.value]?.selectionSet);
      else {
        const field = type.getFields()[selection.name.value];
        if (field === undefined) continue;
        const next = getNamedType(field.type);
        if (within.includes(field.name) && isObjectType(next)) visit(next, selection.selectionSet);
        else for (const column of columnsOf(field.extensions)) columns.add(column);
      }
    }
  };
  const type = getNamedType(info.returnType);
  if (isObjectType(type)) for (const each of info.fieldNodes) visit(type, each.selectionSet);
  const found = [...columns];
  if (isAlone && node !== undefined) known.set(node, found);
  return found;
}

function columnsOf(extensions: Readonly<Record<string, unknown>>): readonly string[] {
  return (extensions.columns as readonly string[] | undefined) ?? [];
}

/** Where a field stands in its question. */
export function nodeOf({ fieldNodes }: GraphQLResolveInfo): FieldNode {
  const [node] = fieldNodes;
  if (node === undefined) throw new Error("a field without a node");
  return node;
}
