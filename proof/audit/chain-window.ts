import type { BlockHeader } from "../../source/block-header.ts";
import type { ChainLog } from "../../source/chain-log.ts";
import { bloomOf, LogBloom } from "../../source/log-bloom.ts";
import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import { eventId } from "../../src/events/event-id.ts";
import type { Finding, UnknownSignature } from "./finding.ts";
import type { FollowedContracts } from "./followed-contracts.ts";
import { readLog } from "./read-log.ts";
import type { WindowLogs } from "./window-logs.ts";

/** What the chain says that the event store should have of a range of blocks. */
export type ChainWindow = {
  /** In the order of the chain. */
  events: EscrowEvent[];
  /** Ids of logs that are ours but do not decode. */
  undecodable: Set<string>;
  findings: Finding[];
  unknown: UnknownSignature[];
  /** Logs of escrows with a signature of ours. */
  escrowLogs: number;
  /** False when the chain fills no blooms: then they prove nothing. */
  areBloomsUsable: boolean;
  lastHash: Hex;
};

/** Reads the logs of a range as the indexer should have read them, and judges the endpoint. */
export function toChainWindow(
  chainId: number,
  contracts: FollowedContracts,
  read: WindowLogs,
): ChainWindow {
  const window: ChainWindow = {
    events: [],
    undecodable: new Set(),
    findings: [],
    unknown: [],
    escrowLogs: 0,
    areBloomsUsable: true,
    lastHash: headerOf(read, read.to).hash,
  };
  for (const log of read.logs) {
    const header = headerOf(read, log.blockNumber);
    const result = readLog(chainId, contracts, log, header.timestamp);
    if (result === null) continue;
    if (result.is === "event") window.events.push(result.event);
    if (result.is === "unknown") window.unknown.push(result.signature);
    if (result.is === "undecodable") {
      const { id, block, detail } = result;
      window.undecodable.add(id);
      window.findings.push({ kind: "undecodable", subject: id, block, detail });
    }
    const isEscrow = contracts.roleOf(log.address, log.blockNumber)?.kind === "escrow";
    if (result.is !== "unknown" && isEscrow) window.escrowLogs += 1;
    if (new LogBloom(header.logsBloom).isEmpty) window.areBloomsUsable = false;
    window.findings.push(...contradictions(chainId, log, header));
  }
  for (const log of read.leftOut)
    window.findings.push(
      inconsistent(
        eventId(chainId, log.blockHash, log.logIndex),
        log.blockNumber,
        "asked for a range of blocks, the endpoint left it out; asked for the block, it has it",
      ),
    );
  for (const [block, logs] of read.whole) {
    const { logsBloom } = headerOf(read, block);
    if (hasOnlyBitsOf(logsBloom, bloomOf(logs))) continue;
    window.findings.push(
      inconsistent(
        `block ${block}`,
        block,
        `its header's bloom has logs that the endpoint does not give (it gives ${logs.length})`,
      ),
    );
  }
  window.findings.push(...brokenLinks(read));
  return window;
}

/** What a log's header says against it. */
function contradictions(chainId: number, log: ChainLog, header: BlockHeader): Finding[] {
  const id = eventId(chainId, log.blockHash, log.logIndex);
  if (header.hash !== log.blockHash)
    return [
      inconsistent(
        id,
        log.blockNumber,
        `the log is of block ${log.blockHash}, the header at its height is ${header.hash}`,
      ),
    ];
  const bloom = new LogBloom(header.logsBloom);
  if (bloom.isEmpty || [log.address, ...log.topics].every((value) => bloom.mayHold(value)))
    return [];
  return [inconsistent(id, log.blockNumber, "its block's bloom says that there is no such log")];
}

/** Headers of neighbours that are not each other's parent and child. */
function brokenLinks({ headers }: WindowLogs): Finding[] {
  return [...headers.values()].flatMap((header) => {
    const parent = headers.get(header.number - 1);
    if (parent === undefined || parent.hash === header.parentHash) return [];
    const detail = `its parent is ${header.parentHash}, the block before it is ${parent.hash}`;
    return [inconsistent(`block ${header.number}`, header.number, detail)];
  });
}

/**
 * Whether every bit of a header's bloom is set by one of the logs. More bits are no contradiction:
 * some chains list logs of their own that no bloom counts.
 */
function hasOnlyBitsOf(header: Hex, logs: Hex): boolean {
  const set = Buffer.from(logs.slice(2), "hex");
  return Buffer.from(header.slice(2), "hex").every((byte, at) => (byte & ~(set[at] ?? 0)) === 0);
}

function inconsistent(subject: string, block: number, detail: string): Finding {
  return { kind: "inconsistent", subject, block, detail };
}

function headerOf({ headers }: WindowLogs, block: number): BlockHeader {
  const header = headers.get(block);
  if (header === undefined) throw new Error(`the header of block ${block} was not read`);
  return header;
}
