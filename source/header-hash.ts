import type { Hex } from "../src/events/escrow-event.ts";
import { keccakHex } from "./keccak.ts";
import { hexOf, rlpBytes, rlpInteger } from "./rlp.ts";

/** A block header in JSON-RPC, as far as its hash is made of it. */
export type RawHeader = Record<string, unknown>;

/*
 * The header's fields in the order that its hash is made in (Ethereum yellow paper, 4.3; execution-apis
 * `Block`). What came with later forks is appended and never reordered, so a chain that is behind
 * Ethereum, or keeps out some forks (Polygon's bor has a base fee and no withdrawals; OP stack has
 * them all; anvil by its hard fork), uses a beginning of this list.
 */
const BASE = [
  "parentHash",
  "sha3Uncles",
  "miner",
  "stateRoot",
  "transactionsRoot",
  "receiptsRoot",
  "logsBloom",
  "difficulty",
  "number",
  "gasLimit",
  "gasUsed",
  "timestamp",
  "extraData",
  "mixHash",
  "nonce",
] as const;
/** London, Shanghai, Cancun (EIP-4844, twice), Cancun (EIP-4788), Prague (EIP-7685). */
const APPENDED = [
  "baseFeePerGas",
  "withdrawalsRoot",
  "blobGasUsed",
  "excessBlobGas",
  "parentBeaconBlockRoot",
  "requestsHash",
] as const;
const INTEGERS = new Set([
  "difficulty",
  "number",
  "gasLimit",
  "gasUsed",
  "timestamp",
  "baseFeePerGas",
  "blobGasUsed",
  "excessBlobGas",
]);
const ZERO_ADDRESS = `0x${"0".repeat(40)}` as const;

/**
 * Whether a header's fields make the hash that it claims: then, whoever sent it, it is the block of
 * that hash. Fields that a node adds for convenience are tried without.
 *
 * @returns `proven`; `missing` when fields that every layout needs are not there; `unknown` when no
 *   known layout gives the hash: a lie, or a layout that this list does not have
 */
export function proveHeader(header: RawHeader): "proven" | "missing" | "unknown" {
  const encoded = encodeHeader(header);
  return encoded === "missing" || encoded === "unknown" ? encoded : "proven";
}

/** The bytes of which the header's hash is made; or why there are none. */
export function encodeHeader(header: RawHeader): Hex | "missing" | "unknown" {
  const base = BASE.map((field) => itemOf(header, field));
  if (base.some((item) => item === null)) return "missing";
  const there = APPENDED.map((field) => itemOf(header, field));
  const count = there.indexOf(null);
  const hash = String(header.hash).toLowerCase();
  for (let length = count < 0 ? there.length : count; length >= 0; length -= 1) {
    const encoded = rlpBytes([...base, ...there.slice(0, length)] as Hex[]);
    if (keccakHex(encoded) === hash) return hexOf(encoded);
  }
  return "unknown";
}

/** RLP's item for a field: integers without leading zeros, zero as nothing. */
function itemOf(header: RawHeader, field: string): Hex | null {
  const value = field === "miner" && header.miner === null ? ZERO_ADDRESS : header[field];
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]*$/.test(value)) return null;
  if (!INTEGERS.has(field)) return value.length % 2 === 0 ? (value as Hex) : null;
  return rlpInteger(value as Hex);
}
