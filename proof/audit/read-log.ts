import { positionOfLog } from "../../engine/checkpoint.ts";
import type { ChainLog } from "../../source/chain-log.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { eventId } from "../../src/events/event-id.ts";
import { toEscrowEvent } from "../../src/events/to-escrow-event.ts";
import type { UnknownSignature } from "./finding.ts";
import type { FollowedContracts, Role } from "./followed-contracts.ts";
import { decodeLog, nameOfTopic } from "./known-events.ts";

/** What a log of one of our contracts is. */
export type ReadLog =
  | { is: "event"; event: EscrowEvent }
  | { is: "unknown"; signature: UnknownSignature }
  | { is: "undecodable"; id: string; block: number; detail: string };

/**
 * Reads a log as the indexer should have read it.
 *
 * @param timestamp of its block, in Unix seconds
 * @returns null for what is not followed: a contract that is none of ours, or not yet
 */
export function readLog(
  chainId: number,
  contracts: FollowedContracts,
  log: ChainLog,
  timestamp: bigint,
): ReadLog | null {
  const role = contracts.roleOf(log.address, log.blockNumber);
  if (role === null) return null;
  const id = eventId(chainId, log.blockHash, log.logIndex);
  for (const revision of role.revisions) {
    const decoded = tryDecoding(role, revision, log);
    if (decoded instanceof Error)
      return { is: "undecodable", id, block: log.blockNumber, detail: wordsOf(log, decoded) };
    if (decoded === null) continue;
    const source = {
      id: positionOfLog({ ...log, timestamp, chainId }),
      log,
      block: { number: BigInt(log.blockNumber), hash: log.blockHash, timestamp },
      transaction: { hash: log.transactionHash },
    };
    const { type, payload } = decoded;
    return {
      is: "event",
      event: toEscrowEvent(type, revision, chainId, source, payload),
    };
  }
  return { is: "unknown", signature: unknownSignature(role, log) };
}

/** Notes the escrow that a log announces, if it does. */
export function noteAnnouncement(contracts: FollowedContracts, log: ChainLog): void {
  const role = contracts.roleOf(log.address, log.blockNumber);
  if (role?.kind !== "factory") return;
  for (const revision of role.revisions) {
    const decoded = tryDecoding(role, revision, log);
    if (decoded === null || decoded instanceof Error || decoded.type !== "EscrowDeployed") continue;
    contracts.announce({ address: decoded.payload.escrow, revision, announcedAt: log.blockNumber });
  }
}

function tryDecoding(
  { kind }: Role,
  revision: "A" | "B",
  log: ChainLog,
): ReturnType<typeof decodeLog> | Error {
  try {
    return decodeLog(kind, revision, log);
  } catch (error) {
    return error as Error;
  }
}

function unknownSignature({ kind }: Role, log: ChainLog): UnknownSignature {
  const topic0 = log.topics[0] ?? "anonymous";
  return {
    topic0,
    emittedBy: kind,
    isOurs: nameOfTopic(topic0),
    count: 1,
    first: {
      block: log.blockNumber,
      transaction: log.transactionHash,
      logIndex: log.logIndex,
      emitter: log.address,
    },
  };
}

function wordsOf(log: ChainLog, error: Error): string {
  const { shortMessage } = error as { shortMessage?: string };
  const why = (shortMessage ?? error.message).split("\n")[0];
  return `${nameOfTopic(log.topics[0])}, emitted by ${log.address}, does not decode: ${why}`;
}
