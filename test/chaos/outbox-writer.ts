import { setTimeout } from "node:timers/promises";
import { isTransient } from "@escrow-stream/consumer";
import type pg from "pg";
import { encodeMessage } from "../../src/outbox/encode-message.ts";
import type { EscrowStory, StoryBlock } from "./escrow-story.ts";

const BLOCKS_TO_FINALITY = 3;
const CHAIN_ID = 11155111;
const WRITE_AGAIN_MS = 100;

/**
 * Stands in for the indexing engine: fills the outbox block by block, each in one transaction with
 * the checkpoints, in the form in which the relay reads it.
 */
export class OutboxWriter {
  readonly #pool: pg.Pool;
  readonly #story: EscrowStory;
  readonly #unfinalized: StoryBlock[] = [];
  /** Made, but perhaps not written: the database went away meanwhile. */
  #pending: StoryBlock | null = null;
  #finalized = "0".repeat(75);
  events = 0;
  /** Nothing new comes: keys stay as they were claimed. */
  isHeld = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(pool: pg.Pool, story: EscrowStory) {
    this.#pool = pool;
    this.#story = story;
  }

  async createTables(): Promise<void> {
    await this.#pool.query(`
      create schema escrow;
      create table escrow.outbox (
        chain_id bigint, position text, event_id text not null, block_number bigint not null,
        block_hash text not null, ordering_key text not null, body text not null,
        attributes text not null, primary key (chain_id, position));
      create index on escrow.outbox (event_id);
      create table escrow._ponder_checkpoint (
        chain_name text primary key, chain_id bigint not null, safe_checkpoint varchar(75) not null,
        latest_checkpoint varchar(75) not null, finalized_checkpoint varchar(75) not null);
      create table escrow._ponder_meta (key text primary key, value jsonb not null);
      insert into escrow._ponder_meta values ('app', '{"build_id": "chaos"}');`);
    const none = this.#finalized;
    await this.#pool.query(
      "insert into escrow._ponder_checkpoint values ('sepolia', $1, $2, $2, $2)",
      [CHAIN_ID, none],
    );
  }

  /** Writes the next block. After an error the same block is written by the next call. */
  appendBlock(): Promise<void> {
    return this.#inTurn(() => this.#appendBlock());
  }

  async #appendBlock(): Promise<void> {
    this.#pending ??= this.#story.nextBlock();
    const block = this.#pending;
    const behind = [...this.#unfinalized, block].at(-1 - BLOCKS_TO_FINALITY);
    await this.#write([block], block.checkpoint, behind?.checkpoint ?? this.#finalized);
    this.#pending = null;
    this.#unfinalized.push(block);
    if (behind !== undefined) {
      this.#finalized = behind.checkpoint;
      this.#unfinalized.splice(0, this.#unfinalized.indexOf(behind) + 1);
    }
    this.events += block.events.length;
  }

  /** as the engine does when it starts again: reverts what is not final, and indexes it again. */
  rollBackAndReindex(pause: () => Promise<void>): Promise<void> {
    return this.#inTurn(() => this.#rollBackAndReindex(pause));
  }

  /** The engine does one thing after the other: no block comes before the one that it follows. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    await done;
  }

  async #rollBackAndReindex(pause: () => Promise<void>): Promise<void> {
    const blocks = [...this.#unfinalized];
    try {
      await this.#inTransaction(async (client) => {
        await client.query("delete from escrow.outbox where position > $1", [this.#finalized]);
        await client.query("update escrow._ponder_checkpoint set latest_checkpoint = $1", [
          this.#finalized,
        ]);
      });
      await pause();
    } finally {
      // Also when nobody knows whether it was reverted: no later block may come first.
      for (const block of blocks) await this.#writeAgain(block);
    }
  }

  async #writeAgain(block: StoryBlock): Promise<void> {
    for (;;)
      try {
        await this.#write([block], block.checkpoint, this.#finalized);
        return;
      } catch (error) {
        if (!isTransient(error)) throw error;
        await setTimeout(WRITE_AGAIN_MS);
      }
  }

  /** Nothing more comes: everything becomes final. */
  async finalizeAll(): Promise<void> {
    const last = this.#unfinalized.at(-1)?.checkpoint;
    if (last === undefined) return;
    await this.#pool.query("update escrow._ponder_checkpoint set finalized_checkpoint = $1", [
      last,
    ]);
    this.#finalized = last;
    this.#unfinalized.length = 0;
  }

  async #write(blocks: StoryBlock[], latest: string, finalized: string): Promise<void> {
    const rows = blocks
      .flatMap(({ events }) => events)
      .map((event) => ({ event, message: encodeMessage(event) }));
    await this.#inTransaction(async (client) => {
      // A commit whose answer was lost is simply done again.
      await client.query(
        `insert into escrow.outbox
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[],
                              $6::text[], $7::text[], $8::text[]) on conflict do nothing`,
        [
          rows.map(({ event }) => event.chainId),
          rows.map(({ event }) => event.position),
          rows.map(({ event }) => event.id),
          rows.map(({ event }) => event.blockNumber),
          rows.map(({ event }) => event.blockHash),
          rows.map(({ message }) => message.orderingKey),
          rows.map(({ message }) => message.body),
          rows.map(({ message }) => JSON.stringify(message.attributes)),
        ],
      );
      await client.query(
        `update escrow._ponder_checkpoint
         set safe_checkpoint = $1, latest_checkpoint = $1, finalized_checkpoint = $2`,
        [latest, finalized],
      );
      await client.query("notify escrow_live_query");
    });
  }

  async #inTransaction(work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    const onError = (error: Error): void => {
      failure = error;
    };
    client.on("error", onError);
    try {
      await client.query("begin");
      await work(client);
      await client.query("commit");
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      client.off("error", onError);
      client.release(failure);
    }
  }
}
