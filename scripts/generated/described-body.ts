import {
  BODY_ORIGIN,
  EVENT_CATALOGUE,
  EVENT_TYPES,
  FIELD_KINDS,
  fieldsOf,
  REVISIONS,
} from "../../src/events/event-catalogue.ts";

/** The forms of values on a topic: those of the events, and the id that a retraction has. */
export const KINDS = {
  ...FIELD_KINDS,
  retraction_id: {
    pattern: `^retraction-[1-9][0-9]*-${FIELD_KINDS.id.pattern.slice(1)}`,
    words: "a retraction's id",
  },
};

export type BodyField = { name: string; kind: keyof typeof KINDS; isOptional: boolean };

/** A body as a consumer meets it, in the order of its fields. */
export type DescribedBody = {
  type: string;
  what: string;
  schemaVersion: number;
  /** The form of its `event_id`. */
  id: "id" | "retraction_id";
  /** What follows the origin. */
  fields: BodyField[];
};

/** What stands between version and own fields: the same in every body. */
export const ORIGIN_FIELDS: BodyField[] = Object.entries(BODY_ORIGIN).map(([name, kind]) => ({
  name,
  kind,
  isOptional: false,
}));

/**
 * The body of every event of the catalogue.
 *
 * @throws when an event is written in several versions: only the newest one's fields are known here
 */
export function eventBodies(): DescribedBody[] {
  return EVENT_TYPES.map((type) => {
    const { emitter, revisions } = EVENT_CATALOGUE[type];
    const versions = new Set(REVISIONS.map((revision) => revisions[revision].schemaVersion));
    const [schemaVersion = 1] = versions;
    if (versions.size > 1)
      throw new Error(`${type} is written in several versions: describe the fields of each`);
    return {
      type,
      what: `${type}, logged by the ${emitter}.`,
      schemaVersion,
      id: "id",
      fields: fieldsOf(type).map(([name, fieldType]) => ({
        name,
        kind: fieldType.replace("?", "") as BodyField["kind"],
        isOptional: fieldType.endsWith("?"),
      })),
    };
  });
}

/** What `packages/messages/retraction.ts` makes; its origin is that of the event it retracts. */
export const RETRACTION_BODY: DescribedBody = {
  type: "EventRetracted",
  what: "Retracts an event that was published: its block is not part of the chain any more.",
  schemaVersion: 1,
  id: "retraction_id",
  fields: [
    { name: "retracts", kind: "id", isOptional: false },
    { name: "retracts_type", kind: "type", isOptional: false },
  ],
};
