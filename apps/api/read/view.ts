/** What the driver hands out for a column of each type, given `columnParsers`. */
type ValueOf = {
  int4: number;
  int8: number;
  /** A decimal string: amounts go beyond what a number holds. */
  numeric: string;
  text: string;
  "text[]": string[];
  jsonb: unknown;
};

export type ColumnType = keyof ValueOf;

/** A type; with `?` the column may be null. */
type ColumnSpec = ColumnType | `${ColumnType}?`;

type ColumnSpecs = Record<string, ColumnSpec>;

type Column = { type: ColumnType; isNullable: boolean };

/** A stable view as readers know it. */
export type View<Row = Record<string, unknown>> = {
  /** In schema `escrow`. */
  name: string;
  columns: ReadonlyMap<string, Column>;
  /** The columns that together name one row. */
  key: readonly (keyof Row & string)[];
};

export type RowOf<V> = V extends View<infer Row> ? Row : never;

type Base<Spec> = Spec extends ColumnType ? ValueOf[Spec] : never;

type RowOfSpecs<Specs extends ColumnSpecs> = {
  [Name in keyof Specs]: Specs[Name] extends `${infer Type}?`
    ? Base<Type> | null
    : Base<Specs[Name]>;
};

/** Describes a view; its rows' type follows from the description. */
export function view<const Specs extends ColumnSpecs>(
  name: string,
  specs: Specs,
  key: readonly (keyof Specs & string)[],
): View<RowOfSpecs<Specs>> {
  const columns = Object.entries(specs).map(([column, spec]): [string, Column] => {
    const isNullable = spec.endsWith("?");
    return [column, { type: (isNullable ? spec.slice(0, -1) : spec) as ColumnType, isNullable }];
  });
  return { name, columns: new Map(columns), key };
}
