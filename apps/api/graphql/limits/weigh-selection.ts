import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  getArgumentValues,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from "graphql";
import { type PageArguments, pageSize } from "../schema/page-arguments.ts";
import { COST_OF } from "./query-limits.ts";

/** What a selection asks for at most, for one row that it is selected on. */
export type Weight = {
  cost: number;
  /** How many counts of whole pages' rows. */
  counts: number;
  depth: number;
  aliases: number;
  directives: number;
};

type Question = {
  fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  variables: Readonly<Record<string, unknown>>;
};

const NOTHING: Weight = { cost: 0, counts: 0, depth: 0, aliases: 0, directives: 0 };

/**
 * Weighs selections. A fragment is weighed once however often it is spread, so that fragments within
 * fragments cost no time; it counts as often as it is spread.
 */
export class Scales {
  readonly #question: Question;
  readonly #fragments = new Map<string, Weight>();

  constructor(question: Question) {
    this.#question = question;
  }

  weigh(type: GraphQLObjectType, set: SelectionSetNode | undefined): Weight {
    return (set?.selections ?? []).reduce((sum, selection) => {
      const weight = this.#weighOne(type, selection);
      const directives = selection.directives?.length ?? 0;
      return {
        cost: sum.cost + weight.cost,
        counts: sum.counts + weight.counts,
        depth: Math.max(sum.depth, weight.depth),
        aliases: sum.aliases + weight.aliases,
        directives: sum.directives + weight.directives + directives,
      };
    }, NOTHING);
  }

  #weighOne(type: GraphQLObjectType, selection: SelectionSetNode["selections"][number]): Weight {
    if (selection.kind === Kind.FIELD) return this.#weighField(type, selection);
    // No type here has several shapes: a fragment is of the type that it stands in.
    if (selection.kind === Kind.INLINE_FRAGMENT) return this.weigh(type, selection.selectionSet);
    const name = selection.name.value;
    const known = this.#fragments.get(name);
    if (known !== undefined) return known;
    const weight = this.weigh(type, this.#question.fragments[name]?.selectionSet);
    this.#fragments.set(name, weight);
    return weight;
  }

  #weighField(type: GraphQLObjectType, node: FieldNode): Weight {
    const aliases = node.alias === undefined ? 0 : 1;
    const field = type.getFields()[node.name.value];
    // What is asked about the schema itself reads no rows, and has a limit of its own.
    if (field === undefined) return { ...NOTHING, aliases, depth: 1 };
    const below = getNamedType(field.type);
    const inner = isObjectType(below) ? this.weigh(below, node.selectionSet) : NOTHING;
    return {
      cost: this.#costOf(field, node, inner),
      counts: field.name === "totalCount" ? 1 : field.extensions.isPage ? 0 : inner.counts,
      depth: inner.depth + 1,
      aliases: inner.aliases + aliases,
      directives: inner.directives,
    };
  }

  #costOf(field: GraphQLField<unknown, unknown>, node: FieldNode, inner: Weight): number {
    const { isPage, rows = 0 } = field.extensions as { isPage?: boolean; rows?: number };
    const args = getArgumentValues(field, node, this.#question.variables);
    if (isPage) {
      const size = pageSize(args as PageArguments);
      return size + size * inner.cost + inner.counts * COST_OF.totalCount;
    }
    return rows + inner.cost + (args.asOfBlock == null ? 0 : COST_OF.pastBlock);
  }
}
