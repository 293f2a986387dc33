import { type RawBuilder, sql } from "kysely";
import { ConfigError } from "../../config/config-error.ts";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { Row, WrittenTable } from "../../src/projections/written-table.ts";

type Column = { name: string; type: string; property: string };

type Parts = {
  database: FrozenDatabase;
  table: string;
  keyProperties: readonly string[];
  columns: Column[];
  id: RawBuilder<unknown>;
};

/** What the driver hands out as text, as the schema has it; numbers of up to 2^53 are numbers. */
const FROM_DRIVER: Record<string, (text: string) => unknown> = { int8: Number, numeric: BigInt };

/** A table of our own in the form of a read model's, which a fold fills. */
export class ShadowTable {
  readonly table: string;
  /** Names of the primary key's columns in the database. */
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** The table's name in SQL. */
  readonly id: RawBuilder<unknown>;
  readonly #database: FrozenDatabase;
  readonly #keyProperties: readonly string[];
  #checked = false;

  private constructor({ database, table, keyProperties, columns, id }: Parts) {
    this.#database = database;
    this.#keyProperties = keyProperties;
    this.table = table;
    this.key = keyProperties.map(snakeCase);
    this.columns = columns;
    this.id = id;
  }

  /**
   * Makes an empty one.
   *
   * @param schema of the read model
   * @param place schema of the new table
   * @throws ConfigError when the deployment has no such read model
   */
  static async create(
    database: FrozenDatabase,
    schema: string,
    { table, key: keyProperties }: WrittenTable,
    place: string,
  ): Promise<ShadowTable> {
    const columns = await database.read(
      sql<{ name: string; type: string; declared: string }>`
        select a.attname as name, t.typname as type,
               format_type(a.atttypid, a.atttypmod) as declared
        from pg_attribute a join pg_type t on t.oid = a.atttypid
        join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = ${schema} and c.relname = ${table} and a.attnum > 0
          and not a.attisdropped
        order by a.attnum`,
    );
    if (columns.length === 0)
      throw new ConfigError([
        { where: "--schema", what: `there is no table ${table} in schema ${schema}` },
      ]);
    const id = sql.id(place, table);
    const definitions = columns.map(
      ({ name, declared }) => sql`${sql.id(name)} ${sql.raw(declared)}`,
    );
    const key = sql.join(keyProperties.map((property) => sql.id(snakeCase(property))));
    await database.write(sql`create table ${id} (${sql.join(definitions)}, primary key (${key}))`);
    const named = columns.map((each) => ({ ...each, property: camelCase(each.name) }));
    return new ShadowTable({ database, table, keyProperties, columns: named, id });
  }

  /** What tells rows apart, as text. */
  nameOf(row: Row): string {
    return this.#keyProperties.map((property) => String(row[property])).join(":");
  }

  /** The rows of these keys that are there, by name. */
  async load(keys: Iterable<Row>): Promise<Map<string, Row>> {
    const wanted = [...keys].map((key) => this.#toJson(key, this.#keyProperties));
    if (wanted.length === 0) return new Map();
    const isSame = this.key.map((name) => sql`s.${sql.id(name)} = k.${sql.id(name)}`);
    const rows = await this.#database.write(
      sql<Record<string, unknown>>`
        select s.* from json_populate_recordset(null::${this.id}, ${JSON.stringify(wanted)}) k
        join ${this.id} s on ${sql.join(isSame, sql` and `)}`,
    );
    return new Map(
      rows.map((found) => {
        const row = this.#fromDriver(found);
        return [this.nameOf(row), row];
      }),
    );
  }

  /** Writes rows, over those of the same key; each key once. */
  async save(rows: Iterable<Row>): Promise<void> {
    const all = [...rows];
    if (all[0] === undefined) return;
    this.#checkColumns(all[0]);
    const properties = this.columns.map(({ property }) => property);
    const values = all.map((row) => this.#toJson(row, properties));
    const changes = this.columns.map(({ name }) => sql`${sql.id(name)} = excluded.${sql.id(name)}`);
    await this.#database.write(
      sql`insert into ${this.id}
          select * from json_populate_recordset(null::${this.id}, ${JSON.stringify(values)})
          on conflict (${sql.join(this.key.map((name) => sql.id(name)))})
            do update set ${sql.join(changes)}`,
    );
  }

  /** Fresh statistics: without them a comparison of large tables is planned as one of small ones. */
  async analyze(): Promise<void> {
    await this.#database.write(sql`analyze ${this.id}`);
  }

  /** A fold of another build than the deployment's would otherwise lose columns in silence. */
  #checkColumns(row: Row): void {
    if (this.#checked) return;
    const here = new Set(this.columns.map(({ property }) => property));
    const extra = Object.keys(row).filter((property) => !here.has(property));
    const missing = [...here].filter((property) => !(property in row));
    if (extra.length + missing.length > 0)
      throw new ConfigError([
        {
          where: "--schema",
          what:
            `${this.table} of this build and of the deployment have other columns (only in the build: ${extra.join(", ") || "none"}; ` +
            `only in the deployment: ${missing.join(", ") || "none"}): use the build that wrote it`,
        },
      ]);
    this.#checked = true;
  }

  #toJson(row: Row, properties: readonly string[]): Record<string, unknown> {
    return Object.fromEntries(
      properties.map((property) => {
        const value = row[property];
        return [snakeCase(property), typeof value === "bigint" ? String(value) : value];
      }),
    );
  }

  #fromDriver(row: Record<string, unknown>): Row {
    return Object.fromEntries(
      this.columns.map(({ name, type, property }) => {
        const value = row[name];
        const convert = FROM_DRIVER[type];
        return [property, convert && value !== null ? convert(String(value)) : value];
      }),
    );
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
