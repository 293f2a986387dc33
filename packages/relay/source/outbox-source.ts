import type { Kysely, RawBuilder } from "kysely";
import type { BlockEvidence } from "./block-evidence.ts";
import type { LineFinality } from "./line-finality.ts";

/**
 * What the relay needs of an outbox: rows that an application writes in the transactions of its
 * facts, in the database of the journal. `plain-table.ts` is one for any application.
 *
 * A line is rows in one order of their own: a chain, or all of a plain table. An outbox has one or
 * more. In a line
 *
 *   - positions are text, differ, and sort in the order of the rows;
 *   - up to `final`, no row ever appears or vanishes, but that without evidence the
 *     application may clear away what was captured;
 *   - behind `final`, with evidence, rows are appended in order, and withdrawn from the end.
 *
 * The relay puts the SQL into its own statements as it is, so that a capture stays one of them. It
 * looks for the rows of a line by position and in its order, and for a row by line, position and
 * event id: each needs an index.
 */
export type OutboxSource = {
  /** What it is, for logs and errors. */
  readonly name: string;
  /**
   * SQL for a relation of its rows: `line bigint, position text, event_id text, ordering_key text,
   * body text, attributes jsonb` (an object of strings), and `height bigint, hash text` of the block
   * that a row is of; both null where there are no blocks.
   */
  readonly rows: RawBuilder<unknown>;
  /**
   * SQL for a relation of its lines, read in the statement that captures: `line bigint, final text`
   * (the position up to which rows are final), `cleared text` (the position up to which a final
   * publication may have them; null: all that are final), `unproven text` (the position up to which
   * it may have nothing but what its journal has already, and nothing at all behind the first row
   * that its journal lacks; null: there is no such part), `head bigint` (the height of the last
   * block; null where there are none). `cleared` and `unproven` may move either way.
   */
  readonly progress: RawBuilder<unknown>;
  /** The channel that is notified when there may be new rows; null: it is only polled. */
  readonly wakeChannel: string | null;
  /** Its lines as they are now. Called before each capture. */
  readLines(db: Kysely<unknown>): Promise<Line[]>;
  /** What its final rows wait for, for people to see. None where rows are final when they are there. */
  readFinality(db: Kysely<unknown>): Promise<LineFinality[]>;
  /** Whether what it reads exists; asked, without failing, while something was found missing. */
  isThere(db: Kysely<unknown>): Promise<boolean>;
  /** Whether a statement failed only because what it reads does not exist (yet). */
  isMissing(error: unknown): boolean;
  /** Where the row of a message stood that was read back from a topic; null: its body says nothing. */
  placeOf(body: string): Place | null;
  /** SQL for "an outbox row `o` may stand at the position that `placeOf` gave". */
  mayStandAt(position: RawBuilder<unknown>): RawBuilder<boolean>;
  /**
   * SQL for a relation of events that were in the outbox and are proven to have never been, though
   * their block stands: `line bigint, event_id text`. Null where nothing proves such a thing.
   */
  readonly phantoms: RawBuilder<unknown> | null;
  /** Proof that a row was withdrawn. Null: rows are final when they are committed. */
  readonly evidence: BlockEvidence | null;
};

/** A line of an outbox at one moment. */
export type Line = {
  line: string;
  /**
   * Which rows these are. Another edition is read from its beginning: one may have been filled in a
   * different order, or have had a hole filled.
   */
  edition: string;
  /** The position up to which rows are final; what becomes final later is left for later. */
  final: string | null;
  /** The position up to which a final publication may have what is final; null: all of it. */
  cleared: string | null;
};

/** Where a row stands. */
export type Place = {
  line: string;
  /** As far as it is known. */
  position: string;
  height: string | null;
  hash: string | null;
};
