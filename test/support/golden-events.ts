import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeEventLog } from "viem";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import { escrowBAbi } from "../../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../../abis/escrow-factory-b.ts";
import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import type { EventRow } from "../../src/events/event-row.ts";
import { type EventArguments, payloadOf } from "../../src/events/payload-of.ts";
import { toEscrowEvent } from "../../src/events/to-escrow-event.ts";

/*
 * The golden fixtures: logs as the chain has them, with the row and the message that were written
 * of each and the state that the escrow is in after it. Written once and never changed: they stand
 * for what lies in event stores and was told to the world.
 */

export type GoldenEvent = {
  log: {
    chain_id: number;
    address: Hex;
    topics: [Hex, ...Hex[]];
    data: Hex;
    block_number: number;
    block_hash: Hex;
    block_timestamp: number;
    transaction_hash: Hex;
    log_index: number;
    /** The engine's checkpoint of the log. */
    position: string;
  };
  row: EventRow;
  message: { ordering_key: string; body: string; attributes: string };
  /** The escrow afterwards, every bigint as a decimal string. */
  state: Record<string, unknown>;
};

export type GoldenFile = { file: string; revision: "A" | "B"; events: GoldenEvent[] };

const FOLDER = join(import.meta.dirname, "../golden");
const ABIS = {
  A: [...escrowAAbi, ...escrowFactoryAAbi],
  B: [...escrowBAbi, ...escrowFactoryBAbi],
};

export function readGoldenFiles(): GoldenFile[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({ file, ...JSON.parse(readFileSync(join(FOLDER, file), "utf8")) }));
}

/** What today's code makes of a log, and of what was observed with it, in the way of the handlers. */
export function indexLog(
  revision: "A" | "B",
  log: GoldenEvent["log"],
  observedArbiter: EventRow["observed_arbiter"] = null,
): EscrowEvent {
  const { eventName, args } = decodeEventLog({ abi: ABIS[revision], ...log });
  const source = {
    id: log.position,
    log: { address: log.address, logIndex: log.log_index },
    block: {
      number: BigInt(log.block_number),
      hash: log.block_hash,
      timestamp: BigInt(log.block_timestamp),
    },
    transaction: { hash: log.transaction_hash },
  };
  return toEscrowEvent(
    eventName,
    revision,
    log.chain_id,
    source,
    payloadOf(eventName, args as EventArguments<typeof eventName>),
    observedArbiter as Hex | null,
  );
}
