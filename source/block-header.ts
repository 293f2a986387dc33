import type { Hex } from "../src/events/escrow-event.ts";
import type { RawBlock } from "./raw-block.ts";

/** What the audit looks at in a block's header. */
export type BlockHeader = {
  number: number;
  hash: Hex;
  parentHash: Hex;
  /** Unix seconds. */
  timestamp: bigint;
  /** 256 bytes that tell which addresses and topics the block's logs may have. */
  logsBloom: Hex;
};

/** The header of a block that was checked. */
export function toBlockHeader(block: RawBlock): BlockHeader {
  return {
    number: Number(block.number),
    hash: block.hash.toLowerCase() as Hex,
    parentHash: block.parentHash.toLowerCase() as Hex,
    timestamp: BigInt(block.timestamp),
    logsBloom: block.logsBloom.toLowerCase() as Hex,
  };
}
