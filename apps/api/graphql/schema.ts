import {
  type GraphQLFieldConfig,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
} from "graphql";
import { sql } from "kysely";
import { rowsByKey } from "../read/rows-by-key.ts";
import { Chain } from "./chain-type.ts";
import { approvals } from "./collections/approvals.ts";
import { escrows } from "./collections/escrows.ts";
import { events } from "./collections/events.ts";
import { parties } from "./collections/parties.ts";
import { settlementMinutes } from "./collections/settlement-minutes.ts";
import { settlements } from "./collections/settlements.ts";
import { pastEscrow, pastParty } from "./past.ts";
import type { QueryContext } from "./query-context.ts";
import {
  approvalRelations,
  escrowRelations,
  eventRelations,
  partyRelations,
  settlementRelations,
} from "./relations.ts";
import { chainStatRow } from "./rows/chain-stat.ts";
import { Address } from "./scalars/address.ts";
import type { Collection } from "./schema/collection.ts";
import { readConnection } from "./schema/read-connection.ts";
import type { RowType } from "./schema/row-type.ts";
import { nodeOf, selectedColumns } from "./schema/selection.ts";
import { TypeRegistry } from "./schema/type-registry.ts";
import { subscriptionType } from "./subscribe/subscription-type.ts";

type RootField = GraphQLFieldConfig<unknown, QueryContext>;

/** The schema of `/graphql`; `schema.graphql` is what it prints. */
export function createSchema(): GraphQLSchema {
  const types = new TypeRegistry();
  types.add(escrows, escrowRelations);
  types.add(events, eventRelations);
  types.add(approvals, approvalRelations);
  types.add(settlements, settlementRelations);
  types.add(parties, partyRelations);
  types.add(settlementMinutes, {});
  const stats = types.addRow(chainStatRow, {});

  const query = new GraphQLObjectType<unknown, QueryContext>({
    name: "Query",
    description: "What can be asked. All of an answer is read from one state of the database.",
    fields: {
      escrow: {
        ...byKey(escrows.row, types, "One escrow; null when it is not known."),
        resolve: (_root, args, context, info) =>
          args.asOfBlock == null
            ? readByKey(escrows.row, args, context, info)
            : pastEscrow(args, context),
      },
      escrows: listOf(
        escrows,
        types,
        "Escrows, the newest first unless another order is asked for.",
      ),
      events: listOf(events, types, "Events of all chains, the newest first."),
      settlements: listOf(settlements, types, "Settlements, the newest first."),
      party: {
        ...byKey(
          parties.row,
          types,
          "What an address has open and settled on a chain; null when it never had a role.",
        ),
        resolve: (_root, args, context, info) =>
          args.asOfBlock == null
            ? readByKey(parties.row, args, context, info)
            : pastParty(args, context),
      },
      parties: listOf(parties, types, "Addresses with a role in an escrow, by chain."),
      settlementMinutes: listOf(
        settlementMinutes,
        types,
        "What happened per minute of block time, the newest first.",
      ),
      chains: {
        type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(Chain))),
        description: "The chains that are followed, and how fresh the answer is.",
        resolve: (_root, _args, { snapshot }) => snapshot.progress.chains,
      },
      stats: {
        type: stats,
        description: "Totals of a chain; null when nothing happened on it.",
        args: { chainId: CHAIN_ID },
        extensions: { rows: 1 },
        resolve: async (_root, { chainId }, { snapshot }) => {
          const { rows } = await sql`
            select * from escrow.chain_stat where chain_id = ${chainId}`.execute(snapshot.db);
          return rows[0] ?? null;
        },
      },
    },
  });
  return new GraphQLSchema({
    description:
      "Escrows, their events and their parties on every chain that is followed. Times are of blocks; amounts are in wei. `extensions.chains` of every answer says how fresh it is.",
    query,
    subscription: subscriptionType({
      escrow: types.row(escrows.row),
      event: types.row(events.row),
    }),
  });
}

const CHAIN_ID = { type: new GraphQLNonNull(GraphQLInt), description: "The chain." };

function byKey<Row>(row: RowType<Row>, types: TypeRegistry, description: string): RootField {
  return {
    type: types.row(row),
    description,
    args: {
      chainId: CHAIN_ID,
      address: { type: new GraphQLNonNull(Address), description: "The address." },
      asOfBlock: {
        type: GraphQLInt,
        description:
          "As it stood when this block had been indexed, folded from the events. Null when it did not exist then.",
      },
    },
    extensions: {
      rows: 1,
      keyOf: ({ chainId, address, asOfBlock }: KeyArguments) =>
        asOfBlock == null ? { chain_id: chainId, address } : null,
    },
  };
}

type KeyArguments = { chainId: number; address: string; asOfBlock?: number | null };

async function readByKey<Row extends Record<string, unknown>>(
  row: RowType<Row>,
  { chainId, address }: KeyArguments,
  context: QueryContext,
  info: Parameters<NonNullable<RootField["resolve"]>>[3],
): Promise<Row | null> {
  const columns = [...new Set([...selectedColumns(info, []), "chain_id"])];
  const read = { view: row.view, columns, by: "address" };
  // At the same time as what is loaded of its relations: then all of it goes out in one piece.
  return await context.load(nodeOf(info), "", [chainId, address] as const, (keys) =>
    rowsByKey(context.snapshot.db, read, keys),
  );
}

function listOf<Row>(
  collection: Collection<Row>,
  types: TypeRegistry,
  description: string,
): RootField {
  return {
    type: new GraphQLNonNull(types.connection(collection)),
    description,
    args: types.arguments(collection),
    extensions: { isPage: true },
    resolve: (_root, args, context, info) => readConnection(collection, args, context, info),
  };
}
