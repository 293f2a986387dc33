import pg from "pg";
import { ConfigError } from "../../config/config-error.ts";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { VIEWS_SCHEMA } from "../../engine/build-schema.ts";
import { findDeployment } from "../../engine/deployment/find-deployment.ts";
import type { EventRow } from "../../src/events/event-row.ts";

const PAGE_ROWS = 10_000;
const COLUMNS = `chain_id, id, position, stream, stream_version, type, schema_version, revision,
  emitter, block_number, block_hash, block_timestamp, transaction_hash, log_index, payload, anomaly`;

/** A row of the event store and where it stands in the order of the audit. */
type Place = { block: number; logIndex: number; id: string };

/**
 * The event store of the deployment that the views point at. They may point at another one before
 * the audit ends: it is this one that is audited.
 */
export class AuditedStore {
  readonly schema: string;
  readonly #databaseUrl: string;
  readonly #pool: pg.Pool;

  private constructor(databaseUrl: string, pool: pg.Pool, schema: string) {
    this.#databaseUrl = databaseUrl;
    this.#pool = pool;
    this.schema = schema;
  }

  /** @throws ConfigError when there is no event store yet */
  static async open(databaseUrl: string): Promise<AuditedStore> {
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
    pool.on("error", () => undefined);
    try {
      const { rows } = await pool.query(
        // Through the catalog: information_schema shows the owner's views alone.
        `select distinct n.nspname as schema
         from pg_class v
         join pg_rewrite r on r.ev_class = v.oid
         join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
           and d.refclassid = 'pg_class'::regclass
         join pg_class t on t.oid = d.refobjid and t.relkind = 'r'
         join pg_namespace n on n.oid = t.relnamespace
         where v.oid = to_regclass($1) and v.relkind = 'v'`,
        [`"${VIEWS_SCHEMA}".event`],
      );
      if (rows[0] === undefined)
        throw new ConfigError([
          {
            where: "DATABASE_URL",
            what: `there is no event store yet (no view ${VIEWS_SCHEMA}.event): start the indexer and try again`,
            mayPass: true,
          },
        ]);
      return new AuditedStore(databaseUrl, pool, rows[0].schema);
    } catch (error) {
      await pool.end();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  /** The last final block that was indexed of each chain. */
  async finalBlocks(): Promise<Map<number, number>> {
    const database = await FrozenDatabase.open(this.#databaseUrl);
    try {
      const { chains } = await findDeployment(database, this.schema);
      return new Map(chains.map(({ chainId, finalBlock }) => [chainId, finalBlock]));
    } finally {
      await database.close({ keep: false });
    }
  }

  /**
   * The events of a range of blocks, by block, log index and id. Reads page by page behind the last
   * row, by the columns alone: no index is trusted whose values are what is to be proven. Each page
   * is one look through the table, with a plain read lock for as long as it takes.
   */
  async *rows(chainId: number, from: number, to: number): AsyncGenerator<EventRow> {
    let last: Place = { block: from, logIndex: -1, id: "" };
    for (;;) {
      const { rows } = await this.#pool.query<EventRow>(
        `select ${COLUMNS} from "${this.schema}".event
         where chain_id = $1 and block_number between $2 and $3
           and (block_number, log_index, id collate "C") > ($4, $5, $6)
         order by block_number, log_index, id collate "C" limit ${PAGE_ROWS}`,
        [chainId, from, to, last.block, last.logIndex, last.id],
      );
      yield* rows;
      const end = rows.at(-1);
      if (end === undefined || rows.length < PAGE_ROWS) return;
      last = { block: Number(end.block_number), logIndex: end.log_index, id: end.id };
    }
  }

  /** Events by their ids, wherever they stand. */
  async byId(chainId: number, ids: readonly string[]): Promise<Map<string, EventRow>> {
    const { rows } = await this.#pool.query<EventRow>(
      `select ${COLUMNS} from "${this.schema}".event where chain_id = $1 and id = any($2)`,
      [chainId, ids],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** Which of these escrows have any event at all. */
  async knownStreams(chainId: number, streams: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.#pool.query<{ stream: string }>(
      `select distinct stream from "${this.schema}".event
       where chain_id = $1 and stream = any($2)`,
      [chainId, streams],
    );
    return new Set(rows.map(({ stream }) => stream));
  }

  /** The first events of chains that are not among these, and how many there are. */
  async ofOtherChains(chainIds: readonly number[], limit: number): Promise<Outsiders> {
    return await this.#outsiders("chain_id <> all($1)", [chainIds], limit);
  }

  /** The first events of a chain before a block, and how many there are. */
  async before(chainId: number, block: number, limit: number): Promise<Outsiders> {
    return await this.#outsiders("chain_id = $1 and block_number < $2", [chainId, block], limit);
  }

  async #outsiders(where: string, values: unknown[], limit: number): Promise<Outsiders> {
    const { rows } = await this.#pool.query(
      `select chain_id, id, block_number, count(*) over () as total
       from "${this.schema}".event where ${where}
       order by chain_id, block_number, id limit ${limit}`,
      values,
    );
    return {
      total: Number(rows[0]?.total ?? 0),
      first: rows.map((row) => ({
        chainId: Number(row.chain_id),
        id: row.id,
        block: Number(row.block_number),
      })),
    };
  }
}

export type Outsiders = { total: number; first: { chainId: number; id: string; block: number }[] };
