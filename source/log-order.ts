import type { RawLog } from "./check-logs.ts";

/** Two logs with one key are the same fact: place and content. */
export function logKey({ blockHash, logIndex, address, topics, data }: RawLog): string {
  return `${blockHash}-${Number(logIndex)}-${address}-${topics.join()}-${data}`.toLowerCase();
}

/** Both in the order of the chain. */
export function isSameLogs(a: readonly RawLog[], b: readonly RawLog[]): boolean {
  return a.length === b.length && a.every((log, at) => logKey(log) === logKey(b[at] as RawLog));
}

/** For `sort`: by block and index. */
export function inLogOrder(a: RawLog, b: RawLog): number {
  return Number(a.blockNumber) - Number(b.blockNumber) || Number(a.logIndex) - Number(b.logIndex);
}
