import {
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  type GraphQLFieldConfigMap,
  GraphQLNonNull,
  type GraphQLOutputType,
} from "graphql";
import type { View } from "../../read/view.ts";
import type { QueryContext } from "../query-context.ts";

/** A field that is read from columns of its row. */
type ReadField<Row> = {
  type: GraphQLOutputType;
  description: string;
  /** What it needs of the row. */
  columns: readonly (keyof Row & string)[];
  args?: GraphQLFieldConfigArgumentMap;
  // biome-ignore lint/suspicious/noExplicitAny: arguments are what `args` of the same field says
  read: (row: Row, args: any) => unknown;
};

/** A row of a view as a GraphQL type: its fields, without its relations. */
export type RowType<Row> = {
  name: string;
  /** What its connection is called, and what many of them are. */
  many: string;
  description: string;
  view: View<Row>;
  fields: Record<string, ReadField<Row>>;
};

type FieldOf<Row> = [column: keyof Row & string, type: GraphQLOutputType, description: string];

/** Fields that each are one column, called as the column is, in camel case. */
export function columns<Row>(
  view: View<Row>,
  list: readonly FieldOf<Row>[],
): Record<string, ReadField<Row>> {
  return Object.fromEntries(
    list.map(([name, type, description]) => [
      camelCase(name),
      column(view, name, type, description),
    ]),
  );
}

/** A field that is one column; never null when the column never is. */
export function column<Row>(
  view: View<Row>,
  name: keyof Row & string,
  type: GraphQLOutputType,
  description: string,
): ReadField<Row> {
  const isNullable = view.columns.get(name)?.isNullable ?? true;
  return {
    type: isNullable ? type : new GraphQLNonNull(type),
    description,
    columns: [name],
    read: (row) => row[name],
  };
}

/** The fields as graphql takes them. */
export function fieldsOf<Row>(type: RowType<Row>): GraphQLFieldConfigMap<Row, QueryContext> {
  return Object.fromEntries(
    Object.entries(type.fields).map(([name, { read, columns, ...field }]) => [
      name,
      {
        ...field,
        resolve: read,
        extensions: { columns },
      } satisfies GraphQLFieldConfig<Row, QueryContext>,
    ]),
  );
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
