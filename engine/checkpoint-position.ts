/** Events of blocks and of logs (ponder 0.17, `src/utils/checkpoint.ts`, `EVENT_TYPES`). */
const LOG_EVENT = 5;

/**
 * The engine's checkpoint of a log, by which it orders all events: 75 digits in all.
 *
 * @param log its block's time in Unix seconds, and its place on the chain
 */
export function checkpointPosition(log: {
  timestamp: bigint;
  chainId: number;
  blockNumber: number;
  transactionIndex: number;
  logIndex: number;
}): string {
  const { timestamp, chainId, blockNumber, transactionIndex, logIndex } = log;
  return [
    digits(timestamp, 10),
    digits(chainId, 16),
    digits(blockNumber, 16),
    digits(transactionIndex, 16),
    LOG_EVENT,
    digits(logIndex, 16),
  ].join("");
}

function digits(value: number | bigint, length: number): string {
  return String(value).padStart(length, "0");
}
