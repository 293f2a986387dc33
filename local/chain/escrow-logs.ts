import { type Address, type Hex, toEventSelector } from "viem";
import { escrowBAbi } from "../../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../../abis/escrow-factory-b.ts";

function event<const A extends readonly { type: string }[], const N extends string>(
  abi: A,
  name: N,
): Extract<A[number], { type: "event"; name: N }> {
  const found = abi.find((item) => item.type === "event" && "name" in item && item.name === name);
  if (!found) throw new Error(`No event ${name} in the ABI`);
  return found as Extract<A[number], { type: "event"; name: N }>;
}

/** `EscrowDeployed` differs between the revisions; the escrow's later events do not. */
export const escrowEvents = {
  deployedA: event(escrowFactoryAAbi, "EscrowDeployed"),
  deployedB: event(escrowFactoryBAbi, "EscrowDeployed"),
  approved: event(escrowBAbi, "Approved"),
  released: event(escrowBAbi, "EscrowReleased"),
  refunded: event(escrowBAbi, "EscrowRefunded"),
  arbiterChanged: event(escrowBAbi, "ArbiterChanged"),
};

export type TrafficStats = {
  created: number;
  approved: number;
  released: number;
  refunded: number;
  arbiterChanged: number;
};

const counterOf: ReadonlyMap<Hex, keyof TrafficStats> = new Map([
  [toEventSelector(escrowEvents.deployedA), "created"],
  [toEventSelector(escrowEvents.deployedB), "created"],
  [toEventSelector(escrowEvents.approved), "approved"],
  [toEventSelector(escrowEvents.released), "released"],
  [toEventSelector(escrowEvents.refunded), "refunded"],
  [toEventSelector(escrowEvents.arbiterChanged), "arbiterChanged"],
]);

type RawLog = { topics: readonly Hex[] };

/** Adds each log to its counter. `EscrowCreated` is not counted: it comes with `EscrowDeployed`. */
export function countLogs(logs: readonly RawLog[], stats: TrafficStats): void {
  for (const { topics } of logs) {
    const counter = topics[0] && counterOf.get(topics[0]);
    if (counter) stats[counter] += 1;
  }
}

/** The addresses of the escrows that these logs say were deployed, in their order. */
export function deployedEscrows(logs: readonly RawLog[]): Address[] {
  return logs
    .filter(({ topics }) => topics[0] && counterOf.get(topics[0]) === "created")
    .map(({ topics }): Address => `0x${topics[1]?.slice(-40)}`);
}
