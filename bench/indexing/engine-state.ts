import pg from "pg";

/** Asks how far the engine is in a schema, on one connection for the many questions. */
export class EngineState {
  readonly #client: pg.Client;
  readonly #schema: string;

  private constructor(client: pg.Client, schema: string) {
    this.#client = client;
    this.#schema = schema;
  }

  static async connect(databaseUrl: string, schema: string): Promise<EngineState> {
    const client = new pg.Client({ connectionString: databaseUrl });
    client.on("error", () => undefined);
    await client.connect();
    return new EngineState(client, schema);
  }

  /** The engine notes where each chain begins when its tables are there. */
  hasBegun(): Promise<boolean> {
    return this.#isTrue(`select count(*) > 0 as is from "${this.#schema}"._ponder_checkpoint`);
  }

  /** It notes that it is ready when the backfill is done and the indexes are made. */
  isReady(): Promise<boolean> {
    return this.#isTrue(
      `select value ->> 'is_ready' = '1' as is from "${this.#schema}"._ponder_meta where key = 'app'`,
    );
  }

  /** The last block whose events can be read. */
  async indexedBlock(): Promise<number> {
    const { rows } = await this.#client.query<{ block: string }>(
      `select substr(latest_checkpoint, 27, 16)::bigint as block
       from "${this.#schema}"._ponder_checkpoint`,
    );
    return Number(rows[0]?.block ?? 0);
  }

  async end(): Promise<void> {
    await this.#client.end();
  }

  /** False also while the tables are not there. */
  async #isTrue(text: string): Promise<boolean> {
    const { rows } = await this.#client.query(text).catch(() => ({ rows: [] }));
    return rows[0]?.is ?? false;
  }
}
