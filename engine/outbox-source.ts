import {
  type BlockEvidence,
  isRelationMissing,
  type Line,
  type OutboxSource,
  type Place,
} from "@escrow-stream/relay";
import { type Kysely, type RawBuilder, sql } from "kysely";
import { VIEWS_SCHEMA } from "./build-schema.ts";
import { blockOfSql, positionOfLog, UP_TO_BLOCK, WITHIN_BLOCK } from "./checkpoint.ts";
import {
  type FinalGate,
  hasGate,
  NO_GATE,
  shownOutbox,
  unprovenPosition,
  verifiedPosition,
} from "./final-gate.ts";
import { CHECKPOINT_TABLE, META_TABLE } from "./private-tables.ts";
import { readFinality } from "./read-finality.ts";
import { WITNESS_SCHEMA } from "./witness-tables.ts";

/** Without an endpoint to ask, nothing is ever retracted: what is unconfirmed waits. */
const NO_EVIDENCE: BlockEvidence = {
  isReplaced: async () => false,
  isCanonical: async () => false,
};

/**
 * The outbox that the engine writes, a line per chain. The engine commits in chain order and reverts
 * from the end, so up to its finalized checkpoint rows stay. Positions are its checkpoints.
 *
 * @param options `schema` of the tables, the stable views' unless given; `evidence` of replaced
 *   blocks; `gate`: on which chains final rows wait for the witness, on none unless given
 */
export function ponderOutbox({
  schema = VIEWS_SCHEMA,
  evidence = NO_EVIDENCE,
  gate = NO_GATE,
}: {
  schema?: string;
  evidence?: BlockEvidence;
  gate?: FinalGate;
} = {}): OutboxSource {
  const table = (name: string) => sql.id(schema, name);
  const isWitnessed = hasGate(gate);
  const ofChain = [sql`c.chain_id`, sql`c.finalized_checkpoint`] as const;
  const cleared = verifiedPosition({ gate, schema }, ...ofChain);
  const unproven = unprovenPosition({ gate, schema }, ...ofChain);
  return {
    name: `the outbox in schema ${schema}${isWitnessed ? `, and schema ${WITNESS_SCHEMA}` : ""}`,
    rows: sql`(
      select chain_id as line, position, event_id, ordering_key, body,
             attributes::jsonb as attributes, block_number as height, block_hash as hash
      from ${table("outbox")})`,
    progress: sql`(
      select c.chain_id as line, c.finalized_checkpoint as final, ${cleared} as cleared,
             ${unproven} as unproven, ${sql.raw(blockOfSql("c.latest_checkpoint"))} as head
      from ${table(CHECKPOINT_TABLE)} c)`,
    // The engine notifies here after each live block, through the views' own trigger.
    wakeChannel: `${schema}_live_query`,
    readLines: (db) => readLines(db, schema, cleared),
    readFinality: (db) => readFinality(db, { gate, schema }),
    isThere: (db) =>
      areThere(db, [
        ...["outbox", CHECKPOINT_TABLE, META_TABLE].map((name) => [schema, name]),
        ...(isWitnessed ? [[WITNESS_SCHEMA, "verified"]] : []),
      ]),
    isMissing: (error) =>
      isRelationMissing(error, schema) || (isWitnessed && isRelationMissing(error, WITNESS_SCHEMA)),
    placeOf,
    mayStandAt: (position) => sql`o.position
      between left(${position}, ${UP_TO_BLOCK}) || repeat('0', ${WITHIN_BLOCK})
          and left(${position}, ${UP_TO_BLOCK}) || repeat('9', ${WITHIN_BLOCK})`,
    // A receipts root proves all logs of a block: what is found not to be one stays none, also when
    // it is healed, or the deployment that had it is gone. What endpoints agree on proves nothing.
    // Columns that an older witness's table lacks are read through JSON.
    phantoms: isWitnessed
      ? sql`(
        select f.chain_id as line, f.event_id from ${sql.id(WITNESS_SCHEMA, "finding")} f
        where f.kind = 'phantom' and to_jsonb(f) ->> 'basis' = 'proof'
          and to_jsonb(f) ->> 'withdrawn_at' is null)`
      : null,
    evidence,
  };
}

/**
 * The live deployment's chains. An edition is a build and the very table that its outbox is: one
 * that was made again may have had a hole filled, also by the same build, and has to be read from
 * its beginning.
 */
async function readLines(
  db: Kysely<unknown>,
  schema: string,
  cleared: RawBuilder<string | null>,
): Promise<Line[]> {
  const { rows } = await sql<Line>`
    select (m.value ->> 'build_id') || '/' || ${shownOutbox(schema)} as edition,
           c.chain_id as line,
           c.finalized_checkpoint as final,
           ${cleared} as cleared
    from ${sql.id(schema, CHECKPOINT_TABLE)} c cross join ${sql.id(schema, META_TABLE)} m
    where m.key = 'app' order by c.chain_id`.execute(db);
  return rows;
}

async function areThere(db: Kysely<unknown>, tables: string[][]): Promise<boolean> {
  const { rows } = await sql<{ are_there: boolean }>`
    select bool_and(to_regclass(format('%I.%I', t ->> 0, t ->> 1)) is not null) as are_there
    from jsonb_array_elements(${JSON.stringify(tables)}::jsonb) as t`.execute(db);
  return rows[0]?.are_there ?? false;
}

/** Right up to the block, and the log's index: the transaction's index is not in the message. */
function placeOf(body: string): Place | null {
  const fields = parse(body);
  const numbers = [fields.block_timestamp, fields.chain_id, fields.block_number, fields.log_index];
  if (!numbers.every(isNatural) || String(numbers[0]).length > 10) return null;
  if (typeof fields.block_hash !== "string") return null;
  const [timestamp = 0, chainId = 0, blockNumber = 0, logIndex = 0] = numbers.map(Number);
  return {
    line: String(chainId),
    height: String(blockNumber),
    hash: fields.block_hash,
    position: positionOfLog({
      timestamp: BigInt(timestamp),
      chainId,
      blockNumber,
      transactionIndex: 0,
      logIndex,
    }),
  };
}

function parse(body: string): Record<string, unknown> {
  try {
    const fields: unknown = JSON.parse(body);
    return typeof fields === "object" && fields !== null ? { ...fields } : {};
  } catch {
    return {};
  }
}

/** Of few enough digits for a checkpoint, and to be exact. */
function isNatural(value: unknown): boolean {
  return /^\d{1,15}$/.test(String(value));
}
