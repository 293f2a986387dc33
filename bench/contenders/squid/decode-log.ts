import { type AbiEvent, toEventSelector } from "viem";
import { escrowAAbi } from "../../../abis/escrow-a.ts";
import { escrowBAbi } from "../../../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../../../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../../../abis/escrow-factory-b.ts";

export type Decoded = { type: string; args: Record<string, string> };

const eventsOf = (...abis: (readonly { type: string }[])[]): AbiEvent[] =>
  abis.flat().filter((item): item is AbiEvent => item.type === "event");

const factoryEvents = eventsOf(escrowFactoryAAbi, escrowFactoryBAbi);
const escrowEvents = eventsOf(escrowAAbi, escrowBAbi);
const byTopic = new Map([...factoryEvents, ...escrowEvents].map((e) => [toEventSelector(e), e]));

/** What to ask for: the events of the factories, and those of the escrows. */
export const TOPICS = {
  factory: [...new Set(factoryEvents.map((event) => toEventSelector(event)))],
  escrow: [...new Set(escrowEvents.map((event) => toEventSelector(event)))],
};

/**
 * Decodes a log as generated code would: every field of these events is one word. Addresses come as
 * lower-case hex, numbers as decimal strings.
 */
export function decodeLog({ topics, data }: { topics: string[]; data: string }): Decoded {
  const event = byTopic.get(topics[0] as `0x${string}`);
  if (event === undefined) throw new Error(`no event has the topic ${topics[0]}`);
  let topic = 1;
  let word = 0;
  const args = event.inputs.map(({ name, type, indexed }) => {
    const start = indexed ? 2 : 2 + 64 * word++;
    const source = indexed ? (topics[topic++] ?? "") : data;
    const digits = source.slice(start, start + 64);
    const value = type === "address" ? `0x${digits.slice(24)}` : String(BigInt(`0x${digits}`));
    return [name ?? "", value];
  });
  return { type: event.name, args: Object.fromEntries(args) };
}
