import { type AbiEvent, decodeEventLog, parseAbiItem } from "viem";
import type { ChainLog } from "../../source/chain-log.ts";
import type { Hex, Payloads } from "../../src/events/escrow-event.ts";
import {
  EVENT_CATALOGUE,
  EVENT_TYPES,
  type EventType,
  REVISIONS,
  type Revision,
} from "../../src/events/event-catalogue.ts";
import { payloadOf } from "../../src/events/payload-of.ts";

export type ContractKind = (typeof EVENT_CATALOGUE)[EventType]["emitter"];

/** A log in the event store's words. */
export type DecodedLog = { [T in EventType]: { type: T; payload: Payloads[T] } }[EventType];

const KINDS = ["factory", "escrow"] as const;

type KnownEvent = { type: EventType; abi: AbiEvent };

const EVENTS: Record<ContractKind, Record<Revision, Map<Hex, KnownEvent>>> = {
  factory: { A: eventsOf("factory", "A"), B: eventsOf("factory", "B") },
  escrow: { A: eventsOf("escrow", "A"), B: eventsOf("escrow", "B") },
};

/** First topics of all events that contracts of this kind and these revisions log. */
export function knownTopics(kind: ContractKind, revisions: Iterable<Revision>): Hex[] {
  return [...new Set([...revisions].flatMap((revision) => [...EVENTS[kind][revision].keys()]))];
}

/** The event that a first topic names, in words; null when the catalogue has none. */
export function nameOfTopic(topic: string | undefined): string | null {
  for (const kind of KINDS)
    for (const revision of REVISIONS) {
      const event = EVENTS[kind][revision].get(topic as Hex);
      if (event) return `${event.type} of the ${kind} in revision ${revision}`;
    }
  return null;
}

/**
 * Decodes a log by the signatures of its emitter.
 *
 * @returns null when that contract has no such event
 * @throws when it has, but the log is not of its form
 */
export function decodeLog(
  kind: ContractKind,
  revision: Revision,
  log: ChainLog,
): DecodedLog | null {
  const event = EVENTS[kind][revision].get(log.topics[0] as Hex);
  if (event === undefined) return null;
  const { args } = decodeEventLog({
    abi: [event.abi],
    data: log.data,
    topics: log.topics as [Hex, ...Hex[]],
    strict: true,
  });
  return { type: event.type, payload: payloadOf(event.type, args as never) } as DecodedLog;
}

function eventsOf(kind: ContractKind, revision: Revision): Map<Hex, KnownEvent> {
  const types = EVENT_TYPES.filter((type) => EVENT_CATALOGUE[type].emitter === kind);
  return new Map(
    types.map((type) => {
      const { signature, topic0 } = EVENT_CATALOGUE[type].revisions[revision];
      return [topic0, { type, abi: parseAbiItem(signature as string) as AbiEvent }];
    }),
  );
}
