import type { Hex } from "../../src/events/escrow-event.ts";
import type { HistoryHash } from "../audit/history-hash.ts";

/** What a range of blocks rests on: `agree:<n>` means that n endpoints gave the same logs. */
export type Basis = "proof" | "trust" | `agree:${number}`;

/**
 * Which part of a chain is proven: `forward` what becomes final, `history` what was published as
 * final before there was a witness.
 */
export type LaneName = "forward" | "history";

/** How far a lane is; the hash is that of the block, null where nothing is proven of it. */
type LaneEnd = { through: number; hash: Hex | null };

/** How far a chain is proven, for what is followed on it. */
export type ScopeState = Record<LaneName, LaneEnd> & {
  /** The first block that anything is followed from. */
  startBlock: number;
  /** The last block that was published as final before, as a whole; the one before the first otherwise. */
  gateFrom: number;
  /** Its hash, as the block behind it names its parent. */
  gateHash: Hex | null;
  hasFinalizedTag: boolean;
  /** The chain's blooms were seen to be wrong: nothing rests on them any more. */
  areBloomsDistrusted: boolean;
};

/** Blocks in a row that are proven, both ends included. */
export type Piece = {
  from: number;
  to: number;
  lastHash: Hex;
  /** Unix seconds of the first and the last block. */
  firstTime: bigint;
  lastTime: bigint;
  /** Our events in it, hashed as a history of their own. */
  history: HistoryHash;
  headers: number;
  receiptsBlocks: number;
  /** Blocks with receipts that were passed over by their bloom alone. */
  bloomBlocks: number;
  basis: Basis;
  /** Hosts of the endpoints that named the last block. */
  namedBy: string[];
};

/** How far a deployment's event store is compared, in each lane; hash and basis are the forward one's. */
export type Verified = Record<LaneName, number> & {
  hash: Hex | null;
  basis: Basis;
  /** The last block of its history; null in what an older version wrote. */
  gateFrom: number | null;
};

/** What the event store has otherwise than the chain. */
export type Difference = {
  kind: "hole" | "phantom" | "differs";
  eventId: string;
  block: number;
  detail: string;
};

/** A difference, and what rests on it that the chain has it otherwise. */
export type Finding = Difference & { basis: Basis };
