import { type AbiEvent, decodeEventLog, toEventSelector } from "viem";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import { escrowBAbi } from "../../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../../abis/escrow-factory-b.ts";
import type { ChainLog } from "../../source/chain-log.ts";
import type { EventType, Hex, Payloads } from "../../src/events/escrow-event.ts";
import * as payloads from "../../src/events/payloads.ts";

export type Revision = "A" | "B";
export type ContractKind = "factory" | "escrow";

/** A log in the event store's words. */
export type DecodedLog = {
  [T in EventType]: { type: T; payload: Payloads[T]; escrow: Hex };
}[EventType];

const ABIS = {
  factory: { A: escrowFactoryAAbi, B: escrowFactoryBAbi },
  escrow: { A: escrowAAbi, B: escrowBAbi },
};

/** The payload of each event, made by the functions that the indexer makes it with. */
const PAYLOAD_OF: { [T in EventType]: (args: never) => Payloads[T] } = {
  EscrowCreated: payloads.escrowCreated,
  EscrowDeployed: payloads.escrowDeployed,
  Approved: payloads.approved,
  EscrowReleased: payloads.escrowReleased,
  EscrowRefunded: payloads.escrowRefunded,
  ArbiterChanged: payloads.arbiterChanged,
};

const EVENTS: Record<ContractKind, Record<Revision, Map<Hex, AbiEvent>>> = {
  factory: { A: eventsOf("factory", "A"), B: eventsOf("factory", "B") },
  escrow: { A: eventsOf("escrow", "A"), B: eventsOf("escrow", "B") },
};

/** First topics of all events that contracts of this kind and these revisions log. */
export function knownTopics(kind: ContractKind, revisions: Iterable<Revision>): Hex[] {
  return [...new Set([...revisions].flatMap((revision) => [...EVENTS[kind][revision].keys()]))];
}

/** The event that a first topic names, in words; null when no ABI of ours has it. */
export function nameOfTopic(topic: string | undefined): string | null {
  for (const kind of ["factory", "escrow"] as const)
    for (const revision of ["A", "B"] as const) {
      const event = EVENTS[kind][revision].get(topic as Hex);
      if (event) return `${event.name} of the ${kind} in revision ${revision}`;
    }
  return null;
}

/**
 * Decodes a log by the ABI of its emitter.
 *
 * @returns null when that ABI has no such event
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
    abi: [event],
    data: log.data,
    topics: log.topics as [Hex, ...Hex[]],
    strict: true,
  });
  const type = event.name as EventType;
  const payload = PAYLOAD_OF[type](args as never);
  const escrow = kind === "factory" ? (payload as Payloads["EscrowDeployed"]).escrow : log.address;
  return { type, payload, escrow } as DecodedLog;
}

function eventsOf(kind: ContractKind, revision: Revision): Map<Hex, AbiEvent> {
  const events = ABIS[kind][revision].filter((item) => item.type === "event");
  return new Map(events.map((event) => [toEventSelector(event), event]));
}
