import type { EventType } from "./escrow-event.ts";

/**
 * The version in which the events of each contract revision are written. It goes into the message,
 * so what was published pins it: raised for a revision that has history, every old id gets other
 * bytes and the publications halt. A new version comes with a new revision, or with new topics
 * (docs/decisions/0014-schema-versions-of-stored-events.md).
 */
const WRITTEN: Record<EventType, Record<"A" | "B", number>> = {
  EscrowCreated: { A: 1, B: 1 },
  EscrowDeployed: { A: 1, B: 1 },
  Approved: { A: 1, B: 1 },
  EscrowReleased: { A: 1, B: 1 },
  EscrowRefunded: { A: 1, B: 1 },
  ArbiterChanged: { A: 1, B: 1 },
};

/** The version of the payload's shape that is written today. */
export function writtenVersion(type: EventType, revision: "A" | "B"): number {
  return WRITTEN[type][revision];
}
