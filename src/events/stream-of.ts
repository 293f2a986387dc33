import type { Hex } from "./escrow-event.ts";
import { EVENT_CATALOGUE, type EventType } from "./event-catalogue.ts";

/** The escrow that an event is about: the one that logged it, or the one that the factory names. */
export function streamOf(type: EventType, emitter: Hex, payload: unknown): Hex {
  if (EVENT_CATALOGUE[type].emitter === "escrow") return emitter;
  return (payload as { escrow: Hex }).escrow;
}
