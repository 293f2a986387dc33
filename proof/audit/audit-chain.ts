import { RangeSize } from "../../source/range-size.ts";
import type { ChainAudit } from "./chain-audit.ts";
import { toChainWindow } from "./chain-window.ts";
import { compareWindow } from "./compare-window.ts";
import type { WindowRecord } from "./progress-record.ts";
import { noteAnnouncement } from "./read-log.ts";
import { scanSignatures } from "./scan-signatures.ts";
import { StoreCursor } from "./store-cursor.ts";
import { readWindowLogs, WindowTooFull } from "./window-logs.ts";

/** The engine's own threshold for reading escrows' events by topic. */
const MANY_ESCROWS = 1_000;
const EXAMINED_BLOCKS = 200;
const LOGS_PER_WINDOW = 5_000;
const MOST_BLOCKS = 100_000;
/** Every header of a window is held when all are examined. */
const MOST_EXAMINED = 250;

/**
 * Audits a chain from where it is: finds the escrows announced before the range, compares the range
 * window by window, and scans for unknown signatures what was read by topic.
 *
 * @throws RpcProblem when the endpoint does not answer; what is recorded stays done
 */
export async function auditChain(audit: ChainAudit): Promise<void> {
  await discover(audit);
  await compare(audit);
  await scanSignatures(audit);
}

async function discover(audit: ChainAudit): Promise<void> {
  const { progress, reader, record, signal } = audit;
  const { job, contracts } = progress;
  if (progress.nextToDiscover >= job.from) return;
  const wanted = { address: contracts.factories, topics: contracts.announcements };
  let requests = reader.source.requests;
  const parts = reader.parts(wanted, progress.nextToDiscover, job.from - 1);
  for await (const { to, logs } of parts) {
    const before = contracts.children.length;
    for (const log of logs) noteAnnouncement(contracts, log);
    const children = contracts.children.slice(before);
    const step = { requests: reader.source.requests - requests, children };
    requests = reader.source.requests;
    record({ kind: "discovery", chainId: job.chainId, to, ...step });
    signal.throwIfAborted();
  }
}

async function compare(audit: ChainAudit): Promise<void> {
  const { progress, store, record, signal, isThorough } = audit;
  const { contracts, job } = progress;
  const cursor = new StoreCursor(store, job.chainId, progress.next, job.to);
  const most = audit.blocksAtOnce ?? (isThorough ? MOST_EXAMINED : MOST_BLOCKS);
  const size = new RangeSize(LOGS_PER_WINDOW, most);
  let announced = contracts.children.length;
  try {
    while (!progress.isCompared) {
      const from = progress.next;
      const to = Math.min(job.to, from + size.blocks - 1);
      try {
        const before = progress.chain.events;
        const step = await compareRange(audit, cursor, from, to);
        record({ ...step, children: contracts.children.slice(announced) });
        announced = contracts.children.length;
        size.worked(to - from + 1, progress.chain.events - before);
      } catch (error) {
        if (!(error instanceof WindowTooFull)) throw error;
        size.refused(to - from + 1, null);
      }
      signal.throwIfAborted();
    }
  } finally {
    await cursor.close();
  }
}

async function compareRange(
  audit: ChainAudit,
  cursor: StoreCursor,
  from: number,
  to: number,
): Promise<Omit<WindowRecord, "children">> {
  const { progress, reader, store, isThorough, manyEscrows = MANY_ESCROWS } = audit;
  const { contracts, job, chain, store: stored } = progress;
  const requests = reader.source.requests;
  const every = isThorough ? 1 : Math.ceil((job.to - job.from + 1) / EXAMINED_BLOCKS);
  const isExamined = (block: number): boolean => (block - job.from) % every === 0;
  const settings = { contracts, reader, manyEscrows, isExamined };
  const read = await readWindowLogs(settings, from, to);
  const window = toChainWindow(job.chainId, contracts, read);
  const compared = await compareWindow(
    store,
    job.chainId,
    { chain, store: stored },
    window,
    cursor.upTo(to),
    async (block) => {
      const header = read.headers.get(block) ?? (await reader.header(block));
      read.headers.set(block, header);
      return header.hash;
    },
  );
  const { moreTooMuch, ...result } = compared;
  return {
    ...{ kind: "window", chainId: job.chainId, from, to, ...result },
    ...{ lastHash: window.lastHash, unknown: window.unknown, escrowLogs: window.escrowLogs },
    more: { "too-much": moreTooMuch },
    isByTopic: read.isByTopic,
    blooms: {
      examined: read.examined.length,
      readWhole: read.whole.size,
      areUsable: window.areBloomsUsable,
    },
    requests: reader.source.requests - requests,
  };
}
