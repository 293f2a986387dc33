import type { Hex } from "../src/events/escrow-event.ts";

/** RLP's item for an integer (Ethereum yellow paper, appendix B): no leading zeros, zero as nothing. */
export function rlpInteger(value: Hex): Hex {
  const digits = value.slice(2).replace(/^0+/, "");
  return digits === "" ? "0x" : `0x${digits.length % 2 === 0 ? "" : "0"}${digits}`;
}
