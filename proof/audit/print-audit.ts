import type { CertificateContent, CertifiedChain } from "./certificate.ts";

const SHOWN = 20;

/** The report of an audit: what was read, and what was found. */
export function printAudit(certificate: CertificateContent): string[] {
  const { outsiders, result } = certificate;
  return [
    ...certificate.chains.flatMap(printChain),
    ...outsiders.first
      .slice(0, SHOWN)
      .map(({ id, chainId }) => `too-much: ${id}: the store does not follow chain ${chainId}`),
    ...andMore(outsiders.count),
    result === "complete"
      ? "complete: chain and event store are equal"
      : "NOT complete: see the findings above",
  ];
}

function printChain(chain: CertifiedChain): string[] {
  const { chainId, name, range, rpc, counts, blooms } = chain;
  const findings = chain.findings.slice(0, SHOWN);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return [
    `chain ${chainId} (${name}): blocks ${range.from} to ${range.to} (${range.finality}), ${chain.escrows} escrows, ${rpc.requests} requests to ${rpc.host} (${rpc.client})`,
    ...(rpc.independence === "independent" ? [] : [`  ${rpc.independence}: weaker proof`]),
    ...(blooms.areUsable ? [] : ["  the chain fills no blooms: a block left out may not show"]),
    `  chain: ${chain.chain.events} events, ${chain.chain.sha256}`,
    `  store: ${chain.store.events} events, ${chain.store.sha256}`,
    `  ${Object.entries(counts)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(", ")}, unknown signatures ${chain.unknownSignatures.length}`,
    ...findings.map(({ kind, subject, detail }) => `${kind}: ${subject}: ${detail}`),
    ...(total > findings.length ? [`… and ${total - findings.length} more`] : []),
    ...chain.unknownSignatures.map(
      ({ topic0, emittedBy, isOurs, isAllowed, count, first }) =>
        `unknown${isAllowed ? " (allowed)" : ""}: signature ${topic0}${isOurs ? ` (${isOurs})` : ""}, ${count} logs of ${emittedBy === "factory" ? "factories" : "escrows"}, first of ${first.emitter} in block ${first.block}, transaction ${first.transaction}, log index ${first.logIndex}`,
    ),
  ];
}

function andMore(count: number): string[] {
  return count > SHOWN ? [`… and ${count - SHOWN} more`] : [];
}
