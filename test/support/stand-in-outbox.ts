import type pg from "pg";
import { UP_TO_BLOCK } from "../../engine/checkpoint.ts";

/** A row as the engine would write it, with what the relay needs of it. */
export type OutboxRow = {
  key: string;
  block: number;
  hash?: string;
  index?: number;
  id?: string;
  body?: string;
  chain?: number;
  /** Beside `event_id`. */
  attributes?: Record<string, string>;
};

type Progress = { latest: number; finalized: number; chain?: number };

const CHAIN = 1;

/** Schema `escrow` as the relay sees it, filled by hand instead of by the engine. */
export class StandInOutbox {
  readonly #db: pg.Pool;

  private constructor(db: pg.Pool) {
    this.#db = db;
  }

  static async create(db: pg.Pool, deployment = "build-1"): Promise<StandInOutbox> {
    await db.query(`
      create schema escrow;
      create table escrow.outbox (
        chain_id bigint, position text, event_id text, block_number bigint, block_hash text,
        ordering_key text, body text, attributes text, primary key (chain_id, position));
      create table escrow._ponder_checkpoint (
        chain_name text primary key, chain_id bigint, safe_checkpoint varchar(75),
        latest_checkpoint varchar(75), finalized_checkpoint varchar(75));
      create table escrow._ponder_meta (key text primary key, value jsonb);`);
    const outbox = new StandInOutbox(db);
    await outbox.deploy(deployment);
    await outbox.moveTo({ latest: 0, finalized: 0 });
    return outbox;
  }

  /** The one that a database has already. */
  static open(db: pg.Pool): StandInOutbox {
    return new StandInOutbox(db);
  }

  /** Another build is live now. */
  async deploy(deployment: string): Promise<void> {
    await this.#db.query(
      `insert into escrow._ponder_meta values ('app', jsonb_build_object('build_id', $1::text))
       on conflict (key) do update set value = excluded.value`,
      [deployment],
    );
  }

  async append(...rows: OutboxRow[]): Promise<void> {
    for (const row of rows) {
      const { key, block, index = 0, id = `e-${block}-${index}`, body, chain = CHAIN } = row;
      await this.#db.query("insert into escrow.outbox values ($1, $2, $3, $4, $5, $6, $7, $8)", [
        chain,
        position(block, index, chain),
        id,
        block,
        row.hash ?? `0x${block}`,
        key,
        body ?? JSON.stringify({ event_id: id }),
        JSON.stringify({ event_id: id, ...row.attributes }),
      ]);
    }
  }

  /** The engine reverts everything above a block. */
  async rollBackTo(block: number): Promise<void> {
    await this.#db.query("delete from escrow.outbox where block_number > $1", [block]);
  }

  async moveTo({ latest, finalized, chain = CHAIN }: Progress): Promise<void> {
    const [top, final] = [latest, finalized].map((block) => endOf(block, chain));
    await this.#db.query(
      `insert into escrow._ponder_checkpoint values ($1::text, $1::bigint, $3, $2, $3)
       on conflict (chain_name) do update set
         latest_checkpoint = excluded.latest_checkpoint,
         safe_checkpoint = excluded.safe_checkpoint,
         finalized_checkpoint = excluded.finalized_checkpoint`,
      [chain, top, final],
    );
  }

  /** The witness has verified the deployment, which here is schema `escrow` itself. */
  async verify(
    through: number,
    { chain = CHAIN, deployment = "escrow", history = { through: 0, to: 0 } } = {},
  ): Promise<void> {
    await this.#db.query(
      `insert into witness.verified
         (deployment, chain_id, through_block, history_through, gate_from, basis)
       values ($1, $2, $3, $4, $5, 'proof')
       on conflict (deployment, chain_id) do update
         set through_block = excluded.through_block, history_through = excluded.history_through,
             gate_from = excluded.gate_from`,
      [deployment, chain, through, history.through, history.to],
    );
  }
}

/** The engine's checkpoint of a log: timestamp, chain, block, transaction, type, event. */
function position(block: number, index: number, chain: number): string {
  const part = (value: number, digits: number): string => String(value).padStart(digits, "0");
  return `${part(1_700_000_000 + block, 10)}${part(chain, 16)}${part(block, 16)}${part(0, 16)}5${part(index, 16)}`;
}

/** The checkpoint behind all of a block. */
function endOf(block: number, chain: number): string {
  const start = position(block, 0, chain);
  return start.slice(0, UP_TO_BLOCK).padEnd(start.length, "9");
}
