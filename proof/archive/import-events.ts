import { sql } from "kysely";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { createDeployment } from "../../engine/deployment/create-deployment.ts";
import { writeEngineState } from "../../engine/deployment/write-engine-state.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { toStoredEvent } from "../../src/events/event-row.ts";
import { newestVersion, UnreadableEvent, upcast } from "../../src/events/upcast.ts";
import { outboxRow } from "../../src/outbox/outbox-row.ts";
import { checkEvent } from "../verify/check-event.ts";
import { READ_MODEL_NAMES, ReadModelFold } from "../verify/read-model-fold.ts";
import { TEMPORARY_SCHEMA } from "../verify/shadow-schema.ts";
import type { ExportedEvent, ExportHeader, ExportTrailer } from "./export-format.ts";
import { ExportReader, type NumberedEvent } from "./read-export.ts";

const BATCH_ROWS = 1_000;

export type ImportOptions = {
  databaseUrl: string;
  /** A new or empty schema. */
  schema: string;
  /** `-` for standard input. */
  file: string;
  /** Called with the number of events imported so far. */
  onProgress: (events: number) => void;
};

export type Import = { header: ExportHeader; trailer: ExportTrailer };

/**
 * Fills an empty schema with the events of an export, the messages that they are encoded as, and
 * the read models that they fold to. In one transaction: killed, or refused, it leaves nothing.
 *
 * @throws BadExport when the file is not whole, or a line is not an event that belongs there;
 *   ConfigError when the schema is not empty
 */
export async function importEvents(options: ImportOptions): Promise<Import> {
  const { schema } = options;
  const reader = new ExportReader(options.file);
  const header = await reader.header();
  const database = await FrozenDatabase.open(options.databaseUrl);
  let isDone = false;
  try {
    const { tables, createIndexes } = await createDeployment(database, schema);
    const lineOf = new Map<string, number>();
    const fold = await ReadModelFold.create(
      database,
      schema,
      READ_MODEL_NAMES,
      TEMPORARY_SCHEMA,
      (event, projection, error) => {
        throw reader.problem(
          lineOf.get(event.id) ?? 0,
          `${event.id} cannot be folded into ${projection}: ${error.message}`,
          error,
        );
      },
    );
    const lastOf = new Map<number, ExportedEvent>();
    let imported = 0;
    const take = async (batch: NumberedEvent[]): Promise<void> => {
      lineOf.clear();
      for (const { line, event } of batch) lineOf.set(event.id, line);
      const events = batch.map((each) => read(each, header, lastOf, reader));
      const transitions = await fold.take(events);
      for (const [at, event] of events.entries()) {
        const { line, event: row } = batch[at] as NumberedEvent;
        const { after, anomaly } = transitions.get(event) ?? {};
        if (after?.version !== row.stream_version)
          throw reader.problem(
            line,
            `${row.id} is number ${row.stream_version} of its stream, and number ${after?.version} in this file: the file does not begin with the stream's beginning (the header says from block ${fromBlockOf(header, row)})`,
          );
        if (anomaly !== row.anomaly)
          throw reader.problem(
            line,
            `${row.id} stands there with the anomaly ${JSON.stringify(row.anomaly)}, and the folds of this build find ${JSON.stringify(anomaly)}: import with the build that exported it`,
          );
      }
      await insert(database, schema, batch, events);
      imported += batch.length;
      options.onProgress(imported);
    };
    const trailer = await inBatches(reader.events(), take);
    for (const shadow of fold.shadows)
      await database.write(
        sql`insert into ${sql.id(schema, shadow.table)} select * from ${shadow.id}`,
      );
    await createIndexes();
    await writeEngineState(database, schema, {
      buildId: `import-${trailer.sha256.slice(0, 10)}`,
      tables,
      chains: header.chains.map(({ chain_id: chainId, name, to_block, final_block }) => ({
        chainId,
        name,
        // The time of a block without events is not in the file; that of the last event is.
        timestamp: lastOf.get(chainId)?.block_timestamp ?? 0,
        indexedBlock: to_block,
        finalBlock: final_block,
      })),
    });
    for (const table of tables) await database.write(sql`analyze ${sql.id(schema, table)}`);
    isDone = true;
    return { header, trailer };
  } finally {
    await database.close({ keep: isDone });
  }
}

async function inBatches(
  events: AsyncGenerator<NumberedEvent, ExportTrailer>,
  take: (batch: NumberedEvent[]) => Promise<void>,
): Promise<ExportTrailer> {
  let batch: NumberedEvent[] = [];
  for (;;) {
    const next = await events.next();
    if (!next.done) batch.push(next.value);
    if (batch.length === BATCH_ROWS || (next.done && batch.length > 0)) {
      await take(batch);
      batch = [];
    }
    if (next.done) return next.value;
  }
}

/** An event of the file as the folds take it, after everything that can be said of it alone. */
function read(
  { line, event: row }: NumberedEvent,
  header: ExportHeader,
  lastOf: Map<number, ExportedEvent>,
  reader: ExportReader,
): EscrowEvent {
  const chain = header.chains.find(({ chain_id }) => chain_id === row.chain_id);
  if (chain === undefined)
    throw reader.problem(line, `${row.id} is of chain ${row.chain_id}, which the header has not`);
  if (row.block_number < chain.from_block || row.block_number > chain.to_block)
    throw reader.problem(
      line,
      `${row.id} is of block ${row.block_number}, and the header says ${chain.from_block} to ${chain.to_block}`,
    );
  const [problem] = checkEvent(row, lastOf.get(row.chain_id) ?? null);
  if (problem !== undefined) throw reader.problem(line, `${row.id}: ${problem.detail}`);
  lastOf.set(row.chain_id, row);
  try {
    return upcast(toStoredEvent(row));
  } catch (error) {
    if (error instanceof UnreadableEvent) throw reader.problem(line, error.message, error);
    throw error;
  }
}

/**
 * Rows go in as they stand in the file. An event of an older schema version gets no message: what
 * was published of it are the bytes of the build that wrote it, and this one has others.
 */
async function insert(
  database: FrozenDatabase,
  schema: string,
  batch: NumberedEvent[],
  events: EscrowEvent[],
): Promise<void> {
  const rows = JSON.stringify(batch.map(({ event }) => event));
  const event = sql.id(schema, "event");
  await database.write(
    sql`insert into ${event} select * from json_populate_recordset(null::${event}, ${rows})`,
  );
  const messages = events
    .filter(({ type, schemaVersion }) => schemaVersion === newestVersion(type))
    .map((each) => {
      const row = outboxRow(each);
      return {
        chain_id: row.chainId,
        position: row.position,
        event_id: row.eventId,
        block_number: row.blockNumber,
        block_hash: row.blockHash,
        ordering_key: row.orderingKey,
        body: row.body,
        attributes: row.attributes,
      };
    });
  const outbox = sql.id(schema, "outbox");
  await database.write(
    sql`insert into ${outbox}
        select * from json_populate_recordset(null::${outbox}, ${JSON.stringify(messages)})`,
  );
}

function fromBlockOf({ chains }: ExportHeader, { chain_id }: ExportedEvent): number | undefined {
  return chains.find((chain) => chain.chain_id === chain_id)?.from_block;
}
