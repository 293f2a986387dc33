import {
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLObjectType,
} from "graphql";
import { sql } from "kysely";
import type { ParentKey } from "../../read/keys-sql.ts";
import { rowsByKey } from "../../read/rows-by-key.ts";
import { AS_OF, type MaybePast } from "../as-of.ts";
import { badValue } from "../bad-value.ts";
import type { QueryContext } from "../query-context.ts";
import { PartyRole } from "./enums.ts";
import { readConnection } from "./read-connection.ts";
import type { Many, One } from "./relation.ts";
import { nodeOf, selectedColumns } from "./selection.ts";

type Row = MaybePast<Record<string, unknown> & { chain_id: number }>;
// biome-ignore lint/suspicious/noExplicitAny: relations begin at rows of every kind
type Field = GraphQLFieldConfig<any, QueryContext>;

/** A relation to one other row as a field. */
export function oneField<R>(relation: One<R>, type: GraphQLObjectType): Field {
  const { to, by, from, description, pastBlock } = relation;
  return {
    type,
    description,
    extensions: { columns: ["chain_id", from], rows: 1 },
    resolve: async (row: Row, _args, context, info) => {
      const name = row[from];
      if (typeof name !== "string") return null;
      const past = pastOf(row, relation);
      const columns = new Set([
        ...selectedColumns(info, []),
        ...["chain_id", by],
        ...(pastBlock === undefined ? [] : [pastBlock]),
      ]);
      const read = (keys: readonly ParentKey[]) =>
        rowsByKey<Row>(context.snapshot.db, { view: to.view, columns: [...columns], by }, keys);
      const found = await context.load(nodeOf(info), "", [row.chain_id, name] as const, read);
      const block = pastBlock === undefined ? 0 : Number(found?.[pastBlock]);
      return found === null || (past !== null && block > past) ? null : found;
    },
  };
}

/** A relation to a page of other rows as a field. */
export function manyField<R>(
  relation: Many<R>,
  type: GraphQLObjectType,
  args: GraphQLFieldConfigArgumentMap,
): Field {
  const { to, from, match, description, pastBlock, defaultOrder, takesRoles } = relation;
  const { orderBy } = args;
  return {
    type: new GraphQLNonNull(type),
    description,
    extensions: { columns: ["chain_id", from], isPage: true },
    args: {
      ...(takesRoles ? { roles: ROLES } : {}),
      ...args,
      ...(orderBy && defaultOrder ? { orderBy: { ...orderBy, defaultValue: defaultOrder } } : {}),
    },
    resolve: (row: Row, asked, context, info) => {
      const past = pastOf(row, relation);
      return readConnection(to, asked, context, info, {
        key: [row.chain_id, String(row[from])],
        anyOf: match(asked),
        orderedAs: relation.orderedAs ?? {},
        more: {
          variant: past === null ? "" : String(past),
          conditions:
            past === null || pastBlock === undefined ? [] : [sql`${sql.ref(pastBlock)} <= ${past}`],
        },
      });
    },
  };
}

const ROLES = {
  type: new GraphQLList(new GraphQLNonNull(PartyRole)),
  description: "The roles that count. All when absent.",
};

/** @throws GraphQLError when the relation has no answer for a past block */
function pastOf(row: Row, { pastIs }: { pastIs?: string }): number | null {
  const past = row[AS_OF] ?? null;
  if (past !== null && pastIs !== undefined) throw badValue(`not as of a block: ${pastIs}`);
  return past;
}
