import type { LineFinality } from "@escrow-stream/relay";
import { type Kysely, sql } from "kysely";
import { wholeBlockSql } from "./checkpoint.ts";
import {
  type FinalGate,
  hasGate,
  historyEnd,
  isGated,
  shownDeployment,
  verifiedPosition,
} from "./final-gate.ts";
import { CHECKPOINT_TABLE } from "./private-tables.ts";
import { WITNESS_SCHEMA } from "./witness-tables.ts";

type Row = {
  line: string;
  final_through: string;
  is_gated: boolean;
  deployment: string;
  through_block: string | null;
  history_through: string | null;
  history_end: string | null;
  basis: string | null;
  held_at: string | null;
  finding: string | null;
};

/** Of each chain of the deployment that a schema shows, how far it is final and verified. */
export async function readFinality(
  db: Kysely<unknown>,
  { gate, schema }: { gate: FinalGate; schema: string },
): Promise<LineFinality[]> {
  const witness = (name: string) => sql.id(WITNESS_SCHEMA, name);
  const verified = hasGate(gate)
    ? sql`
      left join ${witness("verified")} v
        on v.chain_id = c.chain_id and v.deployment = d.name and ${isGated(gate, sql`c.chain_id`)}
      left join lateral (
        select o.block_number as height from ${sql.id(schema, "outbox")} o
        where o.chain_id = c.chain_id and o.position <= c.finalized_checkpoint
          and o.position > ${verifiedPosition({ gate, schema }, sql`c.chain_id`, sql`c.finalized_checkpoint`)}
        order by o.position limit 1) held on true
      left join lateral (
        select f.kind || ' at block ' || f.block_number || ': ' || f.detail as words
        from ${witness("finding")} f
        where f.deployment = d.name and f.chain_id = c.chain_id and f.healed_at is null
        order by f.block_number, f.id limit 1) finding on true`
    : sql`
      cross join (select null::bigint as through_block, null::bigint as history_through,
                         null::text as basis) v
      cross join (select null::bigint as height) held cross join (select null::text as words) finding`;
  const { rows } = await sql<Row>`
    select c.chain_id as line, ${sql.raw(wholeBlockSql("c.finalized_checkpoint"))} as final_through,
           ${isGated(gate, sql`c.chain_id`)} as is_gated, d.name as deployment,
           v.through_block, v.history_through, ${historyEnd(sql`v`)} as history_end, v.basis, held.height as held_at, finding.words as finding
    from ${sql.id(schema, CHECKPOINT_TABLE)} c
    cross join (select ${shownDeployment(schema)} as name) d
    ${verified}
    order by c.chain_id`.execute(db);
  return rows.map(toFinality);
}

function toFinality(row: Row): LineFinality {
  const heldAt = numberOrNull(row.held_at);
  return {
    line: Number(row.line),
    finalThrough: Number(row.final_through),
    gate: row.is_gated ? "on" : "off",
    verifiedThrough: numberOrNull(row.through_block),
    unproven: unprovenOf(row),
    basis: row.basis,
    heldAt,
    because: heldAt === null ? null : reasonOf(row),
  };
}

function unprovenOf({ history_through, history_end }: Row): LineFinality["unproven"] {
  const [through, to] = [Number(history_through), Number(history_end)];
  return history_through === null || through >= to ? null : { through, to };
}

function reasonOf({ through_block, finding, deployment }: Row): string {
  if (through_block === null) return `nothing of deployment ${deployment} is verified yet`;
  return finding ?? `verified through block ${through_block} so far`;
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}
