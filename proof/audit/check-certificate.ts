import { newestVersion } from "../../src/events/upcast.ts";
import type { AuditedStore } from "./audited-store.ts";
import { BadCertificate, type Certificate } from "./certificate.ts";
import { readStored } from "./event-differences.ts";
import { addToHistory, EMPTY_HISTORY, type HistoryHash } from "./history-hash.ts";

/** What the event store has today of a range that was certified. */
export type CheckedChain = {
  chainId: number;
  from: number;
  to: number;
  /** What the chain had when it was audited. */
  certified: HistoryHash;
  store: HistoryHash;
  matches: boolean;
};

/**
 * Hashes the ranges of a certificate again from the event store, and compares with what the chain
 * had. No RPC endpoint is asked.
 *
 * @throws BadCertificate when this build hashes payloads in other versions
 */
export async function checkCertificate(
  certificate: Certificate,
  store: AuditedStore,
): Promise<CheckedChain[]> {
  for (const [type, version] of Object.entries(certificate.payloadVersions))
    if (newestVersion(type as never) !== version)
      throw new BadCertificate(
        `it hashes ${type} in version ${version}, this build in version ${newestVersion(type as never)}: audit again`,
      );
  const checked: CheckedChain[] = [];
  for (const { chainId, range, chain } of certificate.chains) {
    let today = EMPTY_HISTORY;
    for await (const row of store.rows(chainId, range.from, range.to))
      today = addToHistory(today, readStored(row).event);
    checked.push({
      ...{ chainId, from: range.from, to: range.to, certified: chain, store: today },
      matches: today.sha256 === chain.sha256 && today.events === chain.events,
    });
  }
  return checked;
}
