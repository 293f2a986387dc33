import type { Hex } from "./escrow-event.ts";

/** The one spelling of an address here. ABI decoding gives the checksummed one. */
export function lower(hex: Hex): Hex {
  return hex.toLowerCase() as Hex;
}
