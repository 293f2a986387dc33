import { type GraphQLFieldConfigArgumentMap, GraphQLObjectType } from "graphql";
import type { QueryContext } from "../query-context.ts";
import type { Collection } from "./collection.ts";
import { connectionArguments, connectionType } from "./connection-type.ts";
import type { Relations } from "./relation.ts";
import { manyField, oneField } from "./relation-field.ts";
import { fieldsOf, type RowType } from "./row-type.ts";

type Listed = { type: GraphQLObjectType; args: GraphQLFieldConfigArgumentMap };

/** The types of a schema by name: so rows can lead to each other whichever is made first. */
export class TypeRegistry {
  readonly #rows = new Map<string, GraphQLObjectType>();
  readonly #connections = new Map<string, Listed>();

  /** Makes the type of a row, and that of its pages. */
  add<Row>(collection: Collection<Row>, relations: Relations<Row>): void {
    const type = this.addRow(collection.row, relations);
    this.#connections.set(collection.row.name, {
      type: connectionType(collection, type),
      args: connectionArguments(collection),
    });
  }

  addRow<Row>(row: RowType<Row>, relations: Relations<Row>): GraphQLObjectType<Row, QueryContext> {
    const type = new GraphQLObjectType<Row, QueryContext>({
      name: row.name,
      description: row.description,
      fields: () => ({
        ...fieldsOf(row),
        ...Object.fromEntries(
          Object.entries(relations).map(([name, relation]) => [
            name,
            relation.is === "one"
              ? oneField(relation, this.row(relation.to))
              : manyField(relation, this.connection(relation.to), this.arguments(relation.to)),
          ]),
        ),
      }),
    });
    this.#rows.set(row.name, type);
    return type;
  }

  row({ name }: { name: string }): GraphQLObjectType {
    return found(this.#rows.get(name), name);
  }

  connection({ row }: { row: { name: string } }): GraphQLObjectType {
    return found(this.#connections.get(row.name), row.name).type;
  }

  arguments({ row }: { row: { name: string } }): GraphQLFieldConfigArgumentMap {
    return found(this.#connections.get(row.name), row.name).args;
  }
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`no type ${name} was added`);
  return value;
}
