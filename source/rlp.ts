import { RLP } from "@ethereumjs/rlp";
import type { Hex } from "../src/events/escrow-event.ts";

/** What RLP encodes (Ethereum yellow paper, appendix B): bytes, as hexadecimal digits, and lists. */
export type RlpItem = Hex | readonly RlpItem[];
type Bytes = Uint8Array | Bytes[];

/** @throws when an item has half a byte */
export function rlpBytes(item: RlpItem): Uint8Array {
  return RLP.encode(toBytes(item));
}

/** The bytes of hexadecimal digits. */
export function bytesOf(hex: Hex): Buffer {
  if (hex.length % 2 !== 0) throw new Error(`${hex.slice(0, 80)} has half a byte`);
  return Buffer.from(hex.slice(2), "hex");
}

export function hexOf(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}

/** RLP's item for an integer: no leading zeros, zero as nothing. */
export function rlpInteger(value: Hex): Hex {
  const digits = value.slice(2).replace(/^0+/, "");
  return digits === "" ? "0x" : `0x${digits.length % 2 === 0 ? "" : "0"}${digits}`;
}

function toBytes(item: RlpItem): Bytes {
  return typeof item === "string" ? bytesOf(item) : item.map(toBytes);
}
