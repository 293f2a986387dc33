import type { ChainSourceStatus } from "../../source/chain-source.ts";
import type { Basis, Difference } from "./witness-records.ts";

/** Blocks from the first to the last of a lane, and how far it is. */
export type LaneStatus = { from: number; to: number; proven: number; verified: number };

/** Who named the last block that was proven: what all proof of a chain hangs on. */
type NamedByStatus = {
  hosts: string[];
  /** Endpoints that are configured. */
  endpoints: number;
  /** Hosts that belong to different providers, as far as their names tell. */
  independent: number;
};

/** What the witness knows of a chain, told from memory. */
export type ChainWitnessStatus = {
  chainId: number;
  name: string;
  /** False: another witness has the chain, or the final publication needs none here. */
  isAtWork: boolean;
  deployment: string | null;
  head: number | null;
  /** Last block that the engine calls final. */
  engineFinal: number | null;
  /**
   * Last block that the chain calls final, by the word of enough endpoints; null where its nodes know
   * no such tag, or did not say.
   */
  chainFinalized: number | null;
  /** What each endpoint called final when they were asked last, the highest first. */
  finalizedBy: readonly { host: string; block: number }[];
  provenThrough: number | null;
  verifiedThrough: number | null;
  /** What the last verified blocks rest on. */
  basis: Basis | null;
  namedBy: NamedByStatus | null;
  /** Published before there was a witness, and proven alongside; null when there is none, or all is. */
  history: LaneStatus | null;
  /** Differences that are not healed. */
  findings: Difference[];
  /** Why `verifiedThrough` does not move; null while it does. */
  heldReason: string | null;
  blocksPerSecond: number;
  /** What went wrong last; null when the last turn went well. */
  problem: string | null;
  source: ChainSourceStatus;
};
