import type { GraphQLResolveInfo } from "graphql";
import { InvalidCursor } from "../../read/cursor.ts";
import type { ParentKey } from "../../read/keys-sql.ts";
import { countRows, type PageQuery, readPage } from "../../read/page.ts";
import { countForParents, pagesForParents } from "../../read/pages-for-parents.ts";
import type { Condition } from "../../read/ranges.ts";
import { badValue } from "../bad-value.ts";
import type { QueryContext } from "../query-context.ts";
import type { Collection } from "./collection.ts";
import { type ConnectionSource, connectionSource } from "./connection-source.ts";
import { type PageArguments, pageOf } from "./page-arguments.ts";
import { nodeOf, selectedColumns } from "./selection.ts";

/** What binds rows to a parent, as conditions on `parent.chain_id` and `parent.name`. */
export type ParentBond = {
  key: ParentKey;
  /** Alternatives that have no row in common. */
  anyOf: readonly (readonly Condition[])[];
  orderedAs: Readonly<Record<string, string>>;
  /** What else is asked of this parent's rows, such as a past block; names itself for batches. */
  more: { conditions: readonly Condition[]; variant: string };
};

/** Reads a page of a collection, of all parents of the same field together. */
export function readConnection<Row>(
  collection: Collection<Row>,
  args: PageArguments,
  context: QueryContext,
  info: GraphQLResolveInfo,
  bond: ParentBond | null = null,
): ConnectionSource<Row> {
  const { db } = context.snapshot;
  const field = nodeOf(info);
  const page = pageOf(args, collection);
  const query: PageQuery<Row> = {
    view: collection.row.view,
    columns: selectedColumns(info, ["edges", "nodes", "node"]) as (keyof Row & string)[],
    anyOf: alternatives(collection, args, bond),
    ...page,
    order: page.order.map((each) => ({
      ...each,
      column: bond?.orderedAs[each.column] ?? each.column,
    })),
  };
  const refuseCursor = (error: unknown): never => {
    if (!(error instanceof InvalidCursor)) throw error;
    throw badValue(error.message);
  };
  if (bond === null)
    return connectionSource(
      () => readPage(db, query).catch(refuseCursor),
      () => countRows(db, query),
    );
  const { key, more } = bond;
  return connectionSource(
    () =>
      context
        .load(field, `page ${more.variant}`, key, (keys: readonly ParentKey[]) =>
          pagesForParents(db, query, keys),
        )
        .catch(refuseCursor),
    () =>
      context.load(field, `count ${more.variant}`, key, (keys: readonly ParentKey[]) =>
        countForParents(db, query, keys),
      ),
  );
}

function alternatives<Row>(
  collection: Collection<Row>,
  { where }: PageArguments,
  bond: ParentBond | null,
): Condition[][] {
  const asked = collection.conditions(where ?? {}, bond !== null);
  if (bond === null) return asked;
  return bond.anyOf.flatMap((bound) =>
    asked.map((all) => [...bound, ...bond.more.conditions, ...all]),
  );
}
