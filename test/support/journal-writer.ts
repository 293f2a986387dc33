import { retractionOf } from "@escrow-stream/messages";
import type pg from "pg";

export type Written = {
  offset: number;
  key: string;
  sequence: number;
  eventId: string;
  body: string;
};

type Message = { key?: string; type?: string; fields?: Record<string, string>; chainId?: number };

const address = (n: number): string => `0x${n.toString(16).padStart(40, "0")}`;

/** An escrow's address, for tests that need several. */
export const escrowOf = address;

/** Writes messages into a publication's journal, as a relay does when it captures. */
export class JournalWriter {
  readonly #db: pg.Pool;
  readonly #id: number;
  readonly topic: string;
  /** Everything that was written, in its order. */
  readonly written: Written[] = [];

  private constructor(db: pg.Pool, id: number, topic: string) {
    this.#db = db;
    this.#id = id;
    this.topic = topic;
  }

  static async create(
    db: pg.Pool,
    topic = "chain.events.v1",
    finality = "latest",
  ): Promise<JournalWriter> {
    const { rows } = await db.query(
      "insert into relay.publication (topic, finality) values ($1, $2) returning id",
      [topic, finality],
    );
    return new JournalWriter(db, rows[0].id, topic);
  }

  /** One transaction, as one capture. */
  async append(...messages: Message[]): Promise<void> {
    const rows = messages.map(
      ({ key = address(1), type = "Approved", fields = {}, chainId = 7 }) => {
        const at = this.written.length + 1;
        const eventId = `${chainId}-0x${at.toString(16).padStart(64, "0")}-0`;
        const body = JSON.stringify({
          ...{ event_id: eventId, event_type: type, schema_version: 1, chain_id: chainId },
          ...{
            contract_address: key,
            escrow_address: key,
            block_number: at,
            block_hash: `0x${at}`,
          },
          ...{ block_timestamp: at, transaction_hash: `0x${at}`, log_index: 0, ...fields },
        });
        const attributes = {
          ...{
            event_id: eventId,
            event_type: type,
            chain_id: String(chainId),
            escrow_address: key,
          },
        };
        return this.#row({
          kind: "event",
          eventId,
          key: `${chainId}:${key}`,
          chainId,
          body,
          attributes,
        });
      },
    );
    await this.#insert(rows);
  }

  /** What was written at an offset. */
  at(offset: number): Written {
    const written = this.written[offset - 1];
    if (written === undefined) throw new Error(`nothing was written at ${offset}`);
    return written;
  }

  /** Retracts a message that was written. */
  async retract({ eventId, body, key }: Written): Promise<Written> {
    const { event_type, chain_id, escrow_address } = JSON.parse(body);
    const retraction = retractionOf({
      ...{ eventId, incarnation: 1, body },
      sourceAttributes: {
        ...{ event_id: eventId, event_type, chain_id: String(chain_id), escrow_address },
      },
    });
    await this.#insert([
      this.#row({
        ...{ kind: "retraction", eventId, key, chainId: chain_id, body: retraction.body },
        attributes: retraction.sourceAttributes,
      }),
    ]);
    return this.at(this.written.length);
  }

  /** Says that Pub/Sub has accepted everything of a key up to a sequence. */
  async accepted(key: string, sequence: number): Promise<void> {
    await this.#db.query(
      `update relay.ordering_key set in_doubt_sequence = $3, published_sequence = $3
       where publication_id = $1 and ordering_key = $2`,
      [this.#id, key, sequence],
    );
  }

  #row(row: {
    kind: string;
    eventId: string;
    key: string;
    chainId: number;
    body: string;
    attributes: object;
  }) {
    const offset = this.written.length + 1;
    const sequence = this.written.filter(({ key }) => key === row.key).length + 1;
    this.written.push({ offset, sequence, key: row.key, eventId: row.eventId, body: row.body });
    return { ...row, sequence, offset };
  }

  async #insert(rows: readonly object[]): Promise<void> {
    await this.#db.query(
      `with given as (
         select * from json_to_recordset($2) as g(kind text, "eventId" text, key text,
           "chainId" bigint, body text, attributes jsonb, sequence bigint, "offset" bigint)
       ), keys as (
         insert into relay.ordering_key (publication_id, ordering_key, partition, last_sequence)
         select $1, key, 0, max(sequence) from given group by key
         on conflict (publication_id, ordering_key) do update set last_sequence = excluded.last_sequence
       )
       insert into relay.message (publication_id, ordering_key, sequence, kind, event_id, chain_id,
         block_number, block_hash, position, body, source_attributes)
       select $1, key, sequence, kind, "eventId", "chainId", 1, '0x1', "offset"::text, body, attributes
       from given order by "offset"`,
      [this.#id, JSON.stringify(rows)],
    );
  }
}
