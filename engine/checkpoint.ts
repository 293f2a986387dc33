/**
 * Where the engine stands on a chain, and the place of an event among all events (ponder 0.17,
 * `src/utils/checkpoint.ts`). As text it is 75 digits, so that texts sort in chain order.
 */
export type Checkpoint = {
  /** Of the block, in Unix seconds. */
  timestamp: bigint;
  chainId: bigint;
  blockNumber: bigint;
  transactionIndex: bigint;
  eventType: bigint;
  /** The log's index in its block, for an event of a log. */
  eventIndex: bigint;
};

/** The fields in their order, with their digits. */
const WIDTHS = {
  timestamp: 10,
  chainId: 16,
  blockNumber: 16,
  transactionIndex: 16,
  eventType: 1,
  eventIndex: 16,
} satisfies Record<keyof Checkpoint, number>;

/** The type of an event of a log, and of a block. */
const LOG_EVENT = 5n;
/** Digits of what follows the block number. */
export const WITHIN_BLOCK = WIDTHS.transactionIndex + WIDTHS.eventType + WIDTHS.eventIndex;
const BEFORE_BLOCK = WIDTHS.timestamp + WIDTHS.chainId;

/** Digits of the fields that come first. */
export const {
  timestamp: TIMESTAMP_DIGITS,
  chainId: CHAIN_DIGITS,
  blockNumber: BLOCK_DIGITS,
} = WIDTHS;

/** Digits that name a block. */
export const UP_TO_BLOCK = BEFORE_BLOCK + WIDTHS.blockNumber;

const CHECKPOINT_DIGITS = UP_TO_BLOCK + WITHIN_BLOCK;

/** @throws when a field does not fit into its digits */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  return fields()
    .map(([name, width]) => {
      const digits = String(checkpoint[name]).padStart(width, "0");
      if (digits.length !== width || checkpoint[name] < 0n)
        throw new Error(`a checkpoint's ${name} has ${width} digits: ${checkpoint[name]}`);
      return digits;
    })
    .join("");
}

/** @throws when the text is no checkpoint */
export function parseCheckpoint(text: string): Checkpoint {
  if (!isCheckpoint(text))
    throw new Error(`not a checkpoint of ${CHECKPOINT_DIGITS} digits: "${text}"`);
  let end = 0;
  const values = fields().map(([name, width]) => {
    end += width;
    return [name, BigInt(text.slice(end - width, end))];
  });
  return Object.fromEntries(values);
}

/** The position of a log: the checkpoint by which the engine orders its event. */
export function positionOfLog(log: {
  timestamp: bigint;
  chainId: number;
  blockNumber: number;
  transactionIndex: number;
  logIndex: number;
}): string {
  return formatCheckpoint({
    timestamp: log.timestamp,
    chainId: BigInt(log.chainId),
    blockNumber: BigInt(log.blockNumber),
    transactionIndex: BigInt(log.transactionIndex),
    eventType: LOG_EVENT,
    eventIndex: BigInt(log.logIndex),
  });
}

/** Whether it is the position of a log. */
export function isPositionOfLog(text: string): boolean {
  return isCheckpoint(text) && parseCheckpoint(text).eventType === LOG_EVENT;
}

/** The checkpoint behind everything in a block. */
export function endOfBlock(block: {
  timestamp: bigint;
  chainId: number;
  blockNumber: number;
}): string {
  return formatCheckpoint({
    timestamp: block.timestamp,
    chainId: BigInt(block.chainId),
    blockNumber: BigInt(block.blockNumber),
    transactionIndex: nines(WIDTHS.transactionIndex),
    eventType: nines(WIDTHS.eventType),
    eventIndex: nines(WIDTHS.eventIndex),
  });
}

/** Negative, zero or positive, as `sort` takes it. */
export function compareCheckpoints(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The number of a checkpoint's block. */
export function blockOf(checkpoint: string): number {
  return Number(parseCheckpoint(checkpoint).blockNumber);
}

/**
 * The last block that a checkpoint has wholly behind it. All but the first are of a block's end:
 * batches of a backfill end with a block (`engine-backfill.test.ts`), and live each block is a
 * transaction. The first is the beginning of the chain's start block.
 */
export function wholeBlockOf(checkpoint: string): number {
  const isEnd = checkpoint.endsWith("9".repeat(WITHIN_BLOCK));
  return Math.max(0, blockOf(checkpoint) - (isEnd ? 0 : 1));
}

/** SQL for `blockOf` a checkpoint. */
export function blockOfSql(checkpoint: string): string {
  return `substring(${checkpoint}, ${BEFORE_BLOCK + 1}, ${WIDTHS.blockNumber})::bigint`;
}

/** SQL for `wholeBlockOf` a checkpoint. */
export function wholeBlockSql(checkpoint: string): string {
  const block = blockOfSql(checkpoint);
  const isEnd = `right(${checkpoint}, ${WITHIN_BLOCK}) = repeat('9', ${WITHIN_BLOCK})`;
  return `greatest(0, ${block} - case when ${isEnd} then 0 else 1 end)`;
}

/** SQL for the time of a checkpoint's block. */
export function timeOfSql(checkpoint: string): string {
  return `to_timestamp(left(${checkpoint}, ${WIDTHS.timestamp})::bigint)`;
}

function isCheckpoint(text: string): boolean {
  return text.length === CHECKPOINT_DIGITS && /^\d+$/.test(text);
}

function nines(digits: number): bigint {
  return 10n ** BigInt(digits) - 1n;
}

function fields(): [keyof Checkpoint, number][] {
  return Object.entries(WIDTHS) as [keyof Checkpoint, number][];
}
