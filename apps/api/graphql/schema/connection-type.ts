import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfigArgumentMap,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from "graphql";
import type { Page } from "../../read/page.ts";
import type { QueryContext } from "../query-context.ts";
import type { Collection } from "./collection.ts";
import type { ConnectionSource } from "./connection-source.ts";
import { OrderDirection } from "./enums.ts";
import { DEFAULT_PAGE, MAX_PAGE } from "./page-arguments.ts";

type Edge<Row> = { row: Row; page: Page<Row> };

const PageInfo = new GraphQLObjectType<Page<unknown>>({
  name: "PageInfo",
  description: "Where a page stands among the others.",
  fields: {
    hasNextPage: {
      type: new GraphQLNonNull(GraphQLBoolean),
      description: "Whether there are rows behind its last one.",
    },
    hasPreviousPage: {
      type: new GraphQLNonNull(GraphQLBoolean),
      description: "Whether there are rows before its first one.",
    },
    startCursor: {
      type: GraphQLString,
      description: "The cursor of its first row; null when it is empty.",
      resolve: (page) => (page.rows.length === 0 ? null : page.cursorOf(page.rows[0])),
    },
    endCursor: {
      type: GraphQLString,
      description: "The cursor of its last row; null when it is empty.",
      resolve: (page) => (page.rows.length === 0 ? null : page.cursorOf(page.rows.at(-1))),
    },
  },
});

/** The type of a page of rows, as Relay has it, with the rows themselves beside the edges. */
export function connectionType<Row>(
  { row: { name, many } }: Collection<Row>,
  rowType: GraphQLObjectType<Row, QueryContext>,
): GraphQLObjectType<ConnectionSource<Row>, QueryContext> {
  const edge = new GraphQLObjectType<Edge<Row>, QueryContext>({
    name: `${name}Edge`,
    description: "A row with its place in the order.",
    fields: {
      cursor: {
        type: new GraphQLNonNull(GraphQLString),
        description: "Names its place: for `after` and `before`, with the same ordering.",
        resolve: ({ row, page }) => page.cursorOf(row),
      },
      node: {
        type: new GraphQLNonNull(rowType),
        description: "The row.",
        resolve: ({ row }) => row,
      },
    },
  });
  const listOf = (type: GraphQLObjectType) =>
    new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
  return new GraphQLObjectType({
    name: `${name}Connection`,
    description: `A page of ${many}.`,
    fields: {
      nodes: {
        type: listOf(rowType),
        description: "Its rows.",
        resolve: async (source) => (await source.page()).rows,
      },
      edges: {
        type: listOf(edge),
        description: "Its rows with their cursors.",
        resolve: async (source) => {
          const page = await source.page();
          return page.rows.map((row) => ({ row, page }));
        },
      },
      pageInfo: {
        type: new GraphQLNonNull(PageInfo),
        description: "Where it stands among the other pages.",
        resolve: (source) => source.page(),
      },
      totalCount: {
        type: new GraphQLNonNull(GraphQLInt),
        description: "How many there are on all pages. It is counted when it is asked for.",
        resolve: (source) => source.count(),
      },
    },
  });
}

/** The arguments of a connection: which rows, in which order, which page. */
export function connectionArguments<Row>({
  row: { name, many },
  orders,
  defaultOrder,
  filter,
}: Collection<Row>): GraphQLFieldConfigArgumentMap {
  const by = new GraphQLEnumType({
    name: `${name}OrderField`,
    description: `By what ${many} can be ordered.`,
    values: Object.fromEntries(
      Object.entries(orders).map(([key, { description }]) => [key, { description }]),
    ),
  });
  const order = new GraphQLInputObjectType({
    name: `${name}Order`,
    description: `An order of ${many}. Where it leaves two alike, their key decides.`,
    fields: {
      by: { type: new GraphQLNonNull(by), description: "By what." },
      direction: {
        type: new GraphQLNonNull(OrderDirection),
        description: "Which end comes first.",
        defaultValue: "asc",
      },
    },
  });
  const where = new GraphQLInputObjectType({
    name: `${name}Filter`,
    description: `Which ${many}: those for which all of this holds.`,
    fields: filter,
  });
  const page = `From 1 to ${MAX_PAGE}, ${DEFAULT_PAGE} unless it is said.`;
  return {
    where: { type: where, description: "Which rows. All when absent." },
    orderBy: {
      type: order,
      description: "In which order.",
      defaultValue: defaultOrder,
    },
    first: {
      type: GraphQLInt,
      description: `How many, from the start or behind \`after\`. ${page}`,
    },
    after: { type: GraphQLString, description: "Goes on behind this cursor." },
    last: { type: GraphQLInt, description: `How many, from the end or before \`before\`. ${page}` },
    before: { type: GraphQLString, description: "Goes back from this cursor." },
  };
}
