import type pg from "pg";
import { endOfBlock } from "../../engine/checkpoint.ts";
import {
  CHECKPOINT_TABLE,
  META_TABLE,
  privateTablesSql,
  REORG_OPERATION,
  reorgTable,
} from "../../engine/private-tables.ts";

const CHAIN = 7;

/** A deployment with one table, as the engine would keep it, filled by hand. */
export class AccountDeployment {
  readonly schema: string;
  readonly #db: pg.Pool;

  private constructor(db: pg.Pool, schema: string) {
    this.#db = db;
    this.schema = schema;
  }

  static async create(db: pg.Pool, schema: string): Promise<AccountDeployment> {
    await db.query(`
      create schema "${schema}";
      create table "${schema}".account (
        chain_id bigint, name text, amount numeric, payload jsonb, primary key (chain_id, name));
      create table "${schema}".${reorgTable("account")} (
        chain_id bigint, name text, amount numeric, payload jsonb,
        operation_id integer generated always as identity, operation integer, checkpoint varchar(75));
      ${privateTablesSql(schema)}
      insert into "${schema}".${META_TABLE} values
        ('app', '{"build_id": "b", "is_ready": 1, "table_names": ["account"]}')`);
    return new AccountDeployment(db, schema);
  }

  async moveTo({ latest, finalized }: { latest: number; finalized: number }): Promise<void> {
    await this.#db.query(
      `insert into "${this.schema}".${CHECKPOINT_TABLE} values ('one', $1, $3, $2, $3)
       on conflict (chain_name) do update set
         latest_checkpoint = excluded.latest_checkpoint,
         finalized_checkpoint = excluded.finalized_checkpoint`,
      [CHAIN, checkpointOf(latest), checkpointOf(finalized)],
    );
  }

  /** A change in a final block: nothing is kept of what was before. */
  async set(name: string, amount: string, payload: object = {}): Promise<void> {
    await this.#db.query(
      `insert into "${this.schema}".account values ($1, $2, $3, $4)
       on conflict (chain_id, name) do update set amount = excluded.amount,
         payload = excluded.payload`,
      [CHAIN, name, amount, payload],
    );
  }

  /** A change in a block that may be reverted; null deletes. */
  async change(block: number, name: string, amount: string | null): Promise<void> {
    const { rows } = await this.#db.query(
      `select * from "${this.schema}".account where chain_id = $1 and name = $2`,
      [CHAIN, name],
    );
    const [before] = rows;
    const operation = before === undefined ? "insert" : amount === null ? "delete" : "update";
    const kept = before ?? { amount, payload: {} };
    await this.#db.query(
      `insert into "${this.schema}".${reorgTable("account")}
         (chain_id, name, amount, payload, operation, checkpoint)
       values ($1, $2, $3, $4, $5, $6)`,
      [CHAIN, name, kept.amount, kept.payload, REORG_OPERATION[operation], checkpointOf(block)],
    );
    if (amount !== null) await this.set(name, amount);
    else
      await this.#db.query(
        `delete from "${this.schema}".account where chain_id = $1 and name = $2`,
        [CHAIN, name],
      );
  }
}

/** The engine's checkpoint of the end of a block. */
function checkpointOf(blockNumber: number): string {
  const timestamp = 1_700_000_000n + BigInt(blockNumber);
  return endOfBlock({ timestamp, chainId: CHAIN, blockNumber });
}
