import { getTableConfig } from "drizzle-orm/pg-core";
import type pg from "pg";
import { endOfBlock, positionOfLog } from "../../engine/checkpoint.ts";
import { viewsSql } from "../../engine/ensure-views.ts";
import { CHECKPOINT_TABLE, META_TABLE, privateTablesSql } from "../../engine/private-tables.ts";
import * as schemaFile from "../../ponder.schema.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { WRITTEN_TABLES } from "../../src/projections/row-changes.ts";
import { projectEvents } from "./project-events.ts";

/** A column as the schema file declares it, as far as its table is made of it. */
type Column = { name: string; notNull: boolean; getSQLType(): string };

const SCHEMA_TABLES = { ...schemaFile };
const CHUNK_ROWS = 5_000;

export type ChainProgress = { chainId: number; latest: number; finalized: number };

/** A deployment's schema and the views on it, as the engine makes them, filled without it. */
export class StandInDeployment {
  readonly schema: string;
  readonly #db: pg.Pool;

  private constructor(db: pg.Pool, schema: string) {
    this.#db = db;
    this.schema = schema;
  }

  static async create(db: pg.Pool, schema = "escrow_standin"): Promise<StandInDeployment> {
    const tables = WRITTEN_TABLES.map(({ name, table, key }) => {
      const columns = columnsOf(SCHEMA_TABLES[name]).map(
        (column) => `${column.name} ${column.getSQLType()} ${column.notNull ? "not null" : ""}`,
      );
      const names = key.map(snakeCase).join(", ");
      return `create table ${schema}.${table} (${columns.join(", ")}, primary key (${names}));`;
    });
    const indexes = WRITTEN_TABLES.flatMap(({ name, table }) =>
      getTableConfig(SCHEMA_TABLES[name]).indexes.map(({ config }) => {
        const columns = config.columns.map((column) =>
          snakeCase("name" in column ? String(column.name) : ""),
        );
        return `create index on ${schema}.${table} (${columns.join(", ")});`;
      }),
    );
    const names = WRITTEN_TABLES.map(({ table }) => table);
    await db.query(`
      create schema ${schema};
      ${tables.join("\n")}
      ${indexes.join("\n")}
      ${privateTablesSql(schema)}
      insert into ${schema}.${META_TABLE} values ('app', '{"build_id": "build-1", "is_ready": 1}');
      create schema if not exists escrow;
      ${viewsSql(schema, names)}`);
    return new StandInDeployment(db, schema);
  }

  /** Makes the deployment what indexing these events gives, in one transaction. */
  async holds(events: readonly EscrowEvent[], progress: readonly ChainProgress[]): Promise<void> {
    const projected = projectEvents(events);
    const client = await this.#db.connect();
    try {
      await client.query("begin");
      for (const { name, table } of WRITTEN_TABLES) {
        const place = `${this.schema}.${table}`;
        const rows = [...projected.rowsOf(name).values()];
        await client.query(`delete from ${place}`);
        for (let at = 0; at < rows.length; at += CHUNK_ROWS)
          await client.query(
            `insert into ${place} select * from json_populate_recordset(null::${place}, $1)`,
            [JSON.stringify(rows.slice(at, at + CHUNK_ROWS).map(inSnakeCase))],
          );
      }
      await client.query(`delete from ${this.schema}.${CHECKPOINT_TABLE}`);
      for (const { chainId, latest, finalized } of progress)
        await client.query(
          `insert into ${this.schema}.${CHECKPOINT_TABLE} values ($1, $2, $4, $3, $4)`,
          [`chain-${chainId}`, chainId, endOf(chainId, latest), endOf(chainId, finalized)],
        );
      await client.query("commit");
    } finally {
      client.release();
    }
  }
}

/** Seconds of a block, the same on every chain. */
export function timeOf(block: number): bigint {
  return 1_700_000_000n + 12n * BigInt(block);
}

/** The engine's position of a log. */
export function position(chainId: number, blockNumber: number, logIndex: number): string {
  const timestamp = timeOf(blockNumber);
  return positionOfLog({ timestamp, chainId, blockNumber, transactionIndex: 0, logIndex });
}

/** The engine's checkpoint behind everything in a block. */
function endOf(chainId: number, blockNumber: number): string {
  return endOfBlock({ timestamp: timeOf(blockNumber), chainId, blockNumber });
}

function columnsOf(table: object): Column[] {
  return Object.values(table).filter(
    (each): each is Column => typeof each?.getSQLType === "function",
  );
}

function inSnakeCase(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      snakeCase(name),
      typeof value === "bigint" ? String(value) : value,
    ]),
  );
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
