import { eventId } from "../../src/events/event-id.ts";
import type { ChainAudit } from "./chain-audit.ts";
import type { ChainProgress } from "./chain-progress.ts";
import type { Finding, UnknownSignature } from "./finding.ts";
import { readLog } from "./read-log.ts";

type Scanned = {
  /** Events by their ids. */
  ids: Map<string, { block: number; stream: string }>;
  unknown: UnknownSignature[];
  /** Logs with a signature of ours, those that do not decode included. */
  escrowLogs: number;
};

/**
 * Reads what was read by topic once more, by the escrows' addresses and whatever the topic: so
 * signatures show that nobody knows, and the two readings, of different indexes of the endpoint,
 * have to agree. Does nothing when all of it was read by address in the first place.
 */
export async function scanSignatures(audit: ChainAudit): Promise<void> {
  const { progress, reader, record, signal } = audit;
  const { job, contracts, firstByTopic } = progress;
  if (firstByTopic === null) return;
  while (progress.scanned.escrows < contracts.children.length) {
    const { escrows, underWay } = progress.scanned;
    const size = underWay?.escrows ?? reader.addressesPerRequest;
    const batch = contracts.children.slice(escrows, escrows + size);
    const announced = Math.min(...batch.map(({ announcedAt }) => announcedAt));
    const from = underWay === null ? Math.max(firstByTopic, announced) : underWay.to + 1;
    const address = batch.map((child) => child.address);
    let requests = reader.source.requests;
    for await (const { to, logs } of reader.parts({ address }, from, job.to)) {
      const scanned = sort(progress, logs);
      const findings = await notStored(audit, scanned.ids);
      const isDone = to === job.to;
      record({
        ...{ kind: "scan", chainId: job.chainId, findings, unknown: scanned.unknown },
        escrows: isDone ? escrows + batch.length : escrows,
        underWay: isDone ? null : { escrows: batch.length, to },
        escrowLogs: scanned.escrowLogs,
        requests: reader.source.requests - requests,
      });
      requests = reader.source.requests;
      signal.throwIfAborted();
    }
  }
}

/** What contradicts between the two readings, when both are done. */
export function readingsDiffer({ firstByTopic, escrowLogs, job }: ChainProgress): Finding | null {
  if (firstByTopic === null || escrowLogs.byTopic === escrowLogs.byAddress) return null;
  const { byTopic, byAddress } = escrowLogs;
  return {
    kind: "inconsistent",
    subject: `blocks ${firstByTopic} to ${job.to}`,
    block: firstByTopic,
    detail: `asked by topic, the endpoint gave ${byTopic} logs of escrows; asked by address, ${byAddress}`,
  };
}

function sort({ job, contracts }: ChainProgress, logs: Parameters<typeof readLog>[2][]): Scanned {
  const scanned: Scanned = { ids: new Map(), unknown: [], escrowLogs: 0 };
  for (const log of logs) {
    const result = readLog(job.chainId, contracts, log, 0n);
    if (result === null) continue;
    if (result.is === "unknown") scanned.unknown.push(result.signature);
    else scanned.escrowLogs += 1;
    if (result.is === "event")
      scanned.ids.set(eventId(job.chainId, log.blockHash, log.logIndex), {
        block: log.blockNumber,
        stream: log.address,
      });
  }
  return scanned;
}

/** Logs that came by address alone, and are not in the store: the comparison did not know them. */
async function notStored({ store, progress }: ChainAudit, ids: Scanned["ids"]): Promise<Finding[]> {
  const stored = await store.byId(progress.job.chainId, [...ids.keys()]);
  return [...ids].flatMap(([subject, { block, stream }]) =>
    stored.has(subject)
      ? []
      : [{ kind: "missing", subject, block, detail: `an event of escrow ${stream}` }],
  );
}
