import { toRow } from "../apps/api/read/past/to-row.ts";
import type { ShownEscrow } from "../proof/archive/show-escrow.ts";

/** The escrow at a block as REST shows it. */
export function escrowJson({ chain, block, state, approvals, events }: ShownEscrow): object {
  return {
    as_of: { block, is_final: block <= chain.finalBlock },
    ...toRow(state),
    approvals: approvals.map(toRow),
    events: events.map(toRow),
  };
}

/** The same for a person: the state, then its events in order. Amounts in wei, times in UTC. */
export function escrowLines({ chain, block, state, events }: ShownEscrow): string[] {
  const finality =
    block <= chain.finalBlock
      ? "final"
      : `not final yet: the chain is final up to block ${chain.finalBlock}`;
  return [
    `escrow ${state.address} on chain ${chain.chainId} (${chain.name}) at block ${block}, ${finality}`,
    "",
    ...Object.entries(toRow(state))
      .filter(([name]) => name !== "chain_id" && name !== "address")
      .map(([name, value]) => `  ${name.padEnd(20)} ${valueText(name, value)}`),
    "",
    `  ${events.length} event${events.length === 1 ? "" : "s"} up to there`,
    ...events.map(
      ({ streamVersion, blockNumber, blockTimestamp, logIndex, type, payload, anomaly }) =>
        `  #${streamVersion} block ${blockNumber} log ${logIndex}  ${timeText(blockTimestamp)}  ${type}  ${payloadText(payload)}${anomaly === null ? "" : `  anomaly: ${anomaly}`}`,
    ),
  ];
}

function valueText(name: string, value: unknown): string {
  if (value === null) return "-";
  if (Array.isArray(value)) return value.length === 0 ? "-" : value.join(" ");
  const isTime = /_at$|^release_time$|^releasable_from$/.test(name);
  return isTime ? `${value}  ${timeText(BigInt(String(value)))}` : String(value);
}

/** A release time may be any uint256, and a date ends with the year 275760. */
function timeText(seconds: bigint): string {
  return seconds > 8_640_000_000_000n ? "" : new Date(Number(seconds) * 1000).toISOString();
}

function payloadText(payload: unknown): string {
  return Object.entries(payload as object)
    .map(([field, value]) => `${field}=${value}`)
    .join(" ");
}
