import { type RawBuilder, sql } from "kysely";
import { type FinalRequires, needsWitness } from "../config/final-requires.ts";
import { BLOCK_DIGITS, CHAIN_DIGITS, TIMESTAMP_DIGITS, WITHIN_BLOCK } from "./checkpoint.ts";
import { WITNESS_SCHEMA } from "./witness-tables.ts";

/** Where the witness has to have verified what a final publication gets: everywhere but there, or nowhere but there. */
export type FinalGate = { isOn: boolean; except: readonly number[] };

export const NO_GATE: FinalGate = { isOn: false, except: [] };

/** Where the witness has its say, as configured. */
export function finalGate({ otherwise, ofChain }: FinalRequires): FinalGate {
  const isOn = needsWitness(otherwise);
  const except = [...ofChain].flatMap(([id, rules]) => (needsWitness(rules) === isOn ? [] : [id]));
  return { isOn, except };
}

/** Whether it is on anywhere. */
export function hasGate({ isOn, except }: FinalGate): boolean {
  return isOn || except.length > 0;
}

/** SQL for "the gate is on for that chain". */
export function isGated(
  { isOn, except }: FinalGate,
  chainId: RawBuilder<unknown>,
): RawBuilder<boolean> {
  if (except.length === 0) return sql.lit(isOn) as RawBuilder<boolean>;
  const isExcept = sql<boolean>`${chainId} = any (${[...except]}::bigint[])`;
  return isOn ? sql<boolean>`not ${isExcept}` : isExcept;
}

/**
 * SQL for the deployment whose outbox a schema has, or shows. A view is replaced under a lock that
 * excludes its readers: whoever has read it in this transaction sees here what it showed.
 */
export function shownDeployment(schema: string): RawBuilder<string> {
  return sql`(
    select n.nspname::text from pg_class t join pg_namespace n on n.oid = t.relnamespace
    where t.oid = ${shownOutbox(schema)})`;
}

/** SQL for the table that the outbox of a schema is, or shows. */
export function shownOutbox(schema: string): RawBuilder<unknown> {
  const it = sql`format('%I.outbox', ${schema}::text)::regclass`;
  return sql`coalesce(
    (select min(d.refobjid)
     from pg_rewrite r join pg_depend d
       on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
          and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
     where r.ev_class = ${it}),
    ${it}::oid)`;
}

/** The rows that the gate is about: of a chain, up to its finalized checkpoint. */
type Gated = { gate: FinalGate; schema: string };

/**
 * SQL for the position up to which a chain's rows are verified, in the deployment that a schema
 * shows; '' while none is, null where the gate is off.
 *
 * @param chainId SQL for the chain
 * @param final SQL for its finalized checkpoint: rows behind that are of no interest
 */
export function verifiedPosition(
  { gate, schema }: Gated,
  chainId: RawBuilder<unknown>,
  final: RawBuilder<unknown>,
): RawBuilder<string | null> {
  if (!hasGate(gate)) return sql`null::text`;
  const through = sql`select v.through_block as block from ${verifiedOf(schema, chainId)} v`;
  return sql`case when ${isGated(gate, chainId)}
    then coalesce(${endOfBlock(schema, chainId, final, through)}, '') end`;
}

/**
 * SQL for the position up to which a chain's history is not proven as a whole, in the deployment
 * that a schema shows: what a publication had of it before, it had before there was a witness, and
 * nothing else may follow. Null where all is proven, or the gate is off. A row that does not say
 * where its history ends was written by an older witness, which lifted the gate for all of it.
 */
export function unprovenPosition(
  { gate, schema }: Gated,
  chainId: RawBuilder<unknown>,
  final: RawBuilder<unknown>,
): RawBuilder<string | null> {
  if (!hasGate(gate)) return sql`null::text`;
  const to = sql`
    select h.block from (
      select v.history_through, ${historyEnd(sql`v`)} as block
      from ${verifiedOf(schema, chainId)} v) h
    where h.history_through < h.block`;
  return sql`case when ${isGated(gate, chainId)}
    then ${endOfBlock(schema, chainId, final, to)} end`;
}

/**
 * SQL for the block that the history of a row of `witness.verified` ends with. The column is read
 * through JSON: where an older witness made the table, it is missing until a newer one starts.
 */
export function historyEnd(row: RawBuilder<unknown>): RawBuilder<number> {
  return sql`coalesce((to_jsonb(${row}) ->> 'gate_from')::bigint, ${row}.through_block)`;
}

function verifiedOf(schema: string, chainId: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    select * from ${sql.id(WITNESS_SCHEMA, "verified")}
    where chain_id = ${chainId} and deployment = ${shownDeployment(schema)})`;
}

/**
 * SQL for the end of a block, as a position; null where `block` selects none.
 *
 * Rows lie by time, chain and block, and the block's time is not known: the second of the first row
 * behind that block is looked for by halving, some thirty probes of the index. Searching row by row
 * would read all that is final and not verified yet, for every capture.
 *
 * @param block SQL that selects one `block`, or none
 */
function endOfBlock(
  schema: string,
  chainId: RawBuilder<unknown>,
  final: RawBuilder<unknown>,
  block: RawBuilder<unknown>,
): RawBuilder<string | null> {
  return sql`(
    with recursive wanted as (${block}),
    -- Of every second before \`low\` rows lie up to the block, and from \`high\` on none does.
    halving (low, high) as (
      select 0::bigint, left(${final}, ${sql.lit(TIMESTAMP_DIGITS)})::bigint + 1 from wanted
      union all
      select case when is_before then middle + 1 else low end,
             case when is_before then high else middle end
      from (
        select h.low, h.high, m.middle, coalesce((
                 select o.block_number <= (select block from wanted)
                 from ${sql.id(schema, "outbox")} o
                 where o.chain_id = ${chainId}
                   and o.position >= lpad(m.middle::text, ${sql.lit(TIMESTAMP_DIGITS)}, '0')
                 order by o.position limit 1), false) as is_before
        from halving h cross join lateral (select (h.low + h.high) / 2 as middle) m
        where h.low < h.high
        -- Keeps the planner from probing once for each column above.
        offset 0) probe
    )
    -- The second before \`low\` may have blocks on both sides.
    select ${endOfBlockSql(sql`greatest(h.low - 1, 0)`, chainId, sql`w.block`)}
    from halving h, wanted w where h.low >= h.high)`;
}

function endOfBlockSql(...[seconds, chainId, block]: RawBuilder<unknown>[]): RawBuilder<string> {
  const digits = sql.lit;
  return sql`lpad(${seconds}::text, ${digits(TIMESTAMP_DIGITS)}, '0')
    || lpad(${chainId}::text, ${digits(CHAIN_DIGITS)}, '0')
    || lpad(${block}::text, ${digits(BLOCK_DIGITS)}, '0') || repeat('9', ${digits(WITHIN_BLOCK)})`;
}
