import { createKeccak } from "hash-wasm";
import type { Hex } from "../src/events/escrow-event.ts";

/** Compiled once: many times faster than a hash in JavaScript, and proving is hashing. */
const hasher = await createKeccak(256);

/** Keccak-256 of bytes. */
export function keccak(bytes: Uint8Array): Buffer {
  return Buffer.from(hasher.init().update(bytes).digest("binary"));
}

/** Keccak-256 of bytes, as hashes are written on chain. */
export function keccakHex(bytes: Uint8Array): Hex {
  return `0x${hasher.init().update(bytes).digest("hex")}`;
}
