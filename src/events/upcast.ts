import type { event } from "../../ponder.schema.ts";
import type { EscrowEvent } from "./escrow-event.ts";
import { EVENT_TYPES, type EventType, isEventType, REVISIONS } from "./event-catalogue.ts";
import { payloadProblem } from "./payload-problem.ts";

/** A row of the event store, of any version that was ever written. */
export type StoredEvent = typeof event.$inferSelect;

type StoredPayload = Record<string, unknown>;

/** Lifts a payload by one version. Pure; the row is for what the payload alone does not say. */
type Upcaster = (payload: StoredPayload, row: StoredEvent) => StoredPayload;

/**
 * For each event the way from version 1 up: the first lifts version 1 to 2, and so on. An event that
 * is not named here has version 1 only.
 */
export type Upcasters = { [T in EventType]?: readonly Upcaster[] };

const UPCASTERS: Upcasters = {};

/** A stored event that this build cannot read; the message says which, why, and what to do. */
export class UnreadableEvent extends Error {
  override name = "UnreadableEvent";
  readonly row: Pick<StoredEvent, "chainId" | "id" | "blockNumber" | "logIndex">;

  constructor(row: StoredEvent, problem: string) {
    super(
      `event ${row.id} (chain ${row.chainId}, block ${row.blockNumber}, log index ${row.logIndex}) ${problem}`,
    );
    this.row = row;
  }
}

/** The newest version of an event's payload that this build knows: what folds are written for. */
export function newestVersion(type: EventType, upcasters: Upcasters = UPCASTERS): number {
  return (upcasters[type]?.length ?? 0) + 1;
}

/** The newest version of every event's payload, by its name. */
export function newestVersions(): Record<string, number> {
  return Object.fromEntries(EVENT_TYPES.map((type) => [type, newestVersion(type)]));
}

/**
 * Makes of a stored row, whatever version it was written in, the event that the folds take. Whoever
 * reads the event store reads it through this function.
 *
 * @returns the event with its payload in the newest version; its `schemaVersion` stays what was
 *   written, for that is what its message says
 * @throws UnreadableEvent for an event that this build does not know, a version newer than it
 *   knows, and a payload that is not of its type's shape
 */
export function upcast(row: StoredEvent, upcasters: Upcasters = UPCASTERS): EscrowEvent {
  const { streamVersion: _version, anomaly: _anomaly, ...written } = row;
  const { type, schemaVersion, revision } = row;
  if (!isEventType(type))
    throw new UnreadableEvent(
      row,
      `is a "${type}", which this build does not know: read it with the build that wrote it, or a newer one`,
    );
  const newest = newestVersion(type, upcasters);
  if (!Number.isInteger(schemaVersion) || schemaVersion < 1 || schemaVersion > newest)
    throw new UnreadableEvent(
      row,
      `is of schema version ${schemaVersion} of ${type}, and this build knows 1 to ${newest}: read it with the build that wrote it, or a newer one`,
    );
  if (REVISIONS.every((known) => known !== revision))
    throw new UnreadableEvent(
      row,
      `is of contract revision "${revision}", and this build knows ${REVISIONS.join(" and ")}: read it with the build that wrote it, or a newer one`,
    );
  const payload = (upcasters[type] ?? [])
    .slice(schemaVersion - 1)
    .reduce((lifted, lift) => lift(lifted, row), row.payload as StoredPayload);
  const problem = payloadProblem(type, payload);
  if (problem !== null)
    throw new UnreadableEvent(
      row,
      `cannot be folded: ${problem}. The row was changed after it was written; index it again from the chain`,
    );
  // The checks above are what the compiler cannot see.
  return { ...written, payload } as EscrowEvent;
}
