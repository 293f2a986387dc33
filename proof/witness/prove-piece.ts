import type { ChainSource } from "../../source/chain-source.ts";
import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import type { FollowedContracts } from "../audit/followed-contracts.ts";
import { addToHistory, EMPTY_HISTORY } from "../audit/history-hash.ts";
import type { BloomWatch } from "./bloom-watch.ts";
import { hasReceipts, proveRange } from "./prove-range.ts";
import type { Piece } from "./witness-records.ts";

export type PieceRange = {
  source: ChainSource;
  contracts: FollowedContracts;
  watch: BloomWatch;
  from: number;
  to: number;
  /** Of the block before; null when nothing is known of it. */
  parentHash: Hex | null;
  lastHash: Hex;
  namedBy: string[];
  /** Ends the work between two blocks. */
  signal: AbortSignal;
  /** Blocks whose receipts are read, whatever their blooms say. */
  alsoReceiptsOf?: ReadonlySet<number>;
};

/** A piece, what is in it, and the hash that its first block names as its parent. */
export type ProvenPiece = { piece: Piece; events: EscrowEvent[]; parentHash: Hex };

const REQUESTS_AT_ONCE = 16;
/** A piece ends early with so many events, or after so long: what was done is written down. */
const MOST_EVENTS = 5_000;
const LONGEST_MS = 10_000;

/**
 * Proves a range of blocks, or its beginning where that is much.
 *
 * @throws as `proveRange`, and the signal's reason
 */
export async function provePiece(range: PieceRange): Promise<ProvenPiece> {
  const { from, signal } = range;
  const startedMs = performance.now();
  const events: EscrowEvent[] = [];
  let history = EMPTY_HISTORY;
  let receiptsBlocks = 0;
  let bloomBlocks = 0;
  let ends: { parentHash: Hex; firstTime: bigint } | null = null;
  let piece: Piece | null = null;
  for await (const block of proveRange({ ...range, atOnce: REQUESTS_AT_ONCE })) {
    signal.throwIfAborted();
    const { number, header } = block;
    const time = BigInt(header.timestamp);
    ends ??= { parentHash: header.parentHash, firstTime: time };
    for (const event of block.events) history = addToHistory(history, event);
    events.push(...block.events);
    if (block.receipts !== null) receiptsBlocks += 1;
    else if (hasReceipts(header)) bloomBlocks += 1;
    piece = {
      ...{ from, to: number, lastHash: header.hash, firstTime: ends.firstTime, lastTime: time },
      ...{ history, headers: number - from + 1, receiptsBlocks, bloomBlocks, basis: "proof" },
      namedBy: range.namedBy,
    };
    if (events.length >= MOST_EVENTS || performance.now() - startedMs > LONGEST_MS) break;
  }
  if (piece === null || ends === null) throw new Error(`blocks ${from} to ${range.to}: no block`);
  return { piece, events, parentHash: ends.parentHash };
}
