import pg from "pg";
import { blockOf } from "../../engine/checkpoint.ts";
import { readEngineState } from "../../engine/deployment/engine-state.ts";

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
  async hasBegun(): Promise<boolean> {
    return (await readEngineState(this.#client, this.#schema)).chains.length > 0;
  }

  /** It notes that it is ready when the backfill is done and the indexes are made. */
  async isReady(): Promise<boolean> {
    return (await readEngineState(this.#client, this.#schema)).isReady;
  }

  /** The last block whose events can be read. */
  async indexedBlock(): Promise<number> {
    const { chains } = await readEngineState(this.#client, this.#schema);
    return chains[0] === undefined ? 0 : blockOf(chains[0].latest);
  }

  async end(): Promise<void> {
    await this.#client.end();
  }
}
