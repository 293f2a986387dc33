import { sql } from "kysely";
import { CommitHorizon } from "./commit-horizon.ts";
import { isRelationMissing } from "./is-relation-missing.ts";
import type { OutboxSource } from "./outbox-source.ts";
import { LAST_POSITION, type OutboxTable, positionOf, wakeChannelOf } from "./outbox-table.ts";

const LINE = "0";
const NONE = "";

/**
 * The outbox of any application: a table as `createOutboxTable` makes it, of one line, whose rows
 * are final once they are committed. Its publications have the finality `finalized`.
 *
 * Messages of a key have the order of the rows' ids. Ids are given when rows are inserted: who
 * needs the order of two facts about one key inserts the second after the first was committed, or
 * in its transaction (mostly it locks what the key stands for anyway). Rows may be deleted once they
 * were captured.
 */
export function plainTable(table: OutboxTable): OutboxSource {
  const { schema, name } = table;
  const it = sql.id(schema, name);
  const regclass = sql`format('%I.%I', ${schema}::text, ${name}::text)::regclass`;
  const greatest = sql`select ${positionOf(sql`max(id)`)} from ${it}`;
  const horizon = new CommitHorizon(regclass, greatest);
  return {
    name: `the outbox ${schema}.${name}`,
    rows: sql`(
      select ${sql.raw(LINE)}::bigint as line, ${positionOf(sql`id`)} as position, event_id,
             ordering_key, body, attributes, null::bigint as height, null::text as hash
      from ${it})`,
    // Whatever a statement sees is committed. How far that is complete, `readLines` says.
    progress: sql`(
      select ${sql.raw(LINE)}::bigint as line, ${LAST_POSITION}::text as final,
             null::text as cleared, null::text as unproven, null::bigint as head)`,
    wakeChannel: wakeChannelOf(table),
    readLines: async (db) => {
      const { edition, completeTo } = await horizon.read(db);
      return [{ line: LINE, edition, final: completeTo ?? NONE, cleared: null }];
    },
    readFinality: async () => [],
    isThere: async (db) => {
      const { rows } = await sql<{ is_there: boolean }>`
        select to_regclass(format('%I.%I', ${schema}::text, ${name}::text)) is not null
          as is_there`.execute(db);
      return rows[0]?.is_there ?? false;
    },
    isMissing: (error) => isRelationMissing(error, name) || isRelationMissing(error, schema),
    // Nothing is ever withdrawn, so nobody needs the position.
    placeOf: () => ({ line: LINE, position: NONE, height: null, hash: null }),
    mayStandAt: () => sql`true`,
    phantoms: null,
    evidence: null,
  };
}
