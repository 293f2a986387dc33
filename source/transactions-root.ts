import type { Hex } from "../src/events/escrow-event.ts";
import { keccakHex } from "./keccak.ts";
import type { RawBlock } from "./raw-block.ts";
import { bytesOf, hexOf, type RlpItem, rlpBytes, rlpInteger } from "./rlp.ts";
import { trieRootOf } from "./trie-root-of.ts";

/** A transaction in JSON-RPC, as far as its hash is made of it. */
export type RawTransaction = Record<string, unknown> & { hash: Hex };

/** Integers; all others are bytes as they stand there. */
const FEES = ["maxPriorityFeePerGas", "maxFeePerGas"];
const CALL = ["gas", "to", "value", "input"];
const SIGNATURE = ["yParity", "r", "s"];
const BYTES = new Set(["to", "input", "address", "sourceHash", "from", "blobVersionedHashes"]);
const LISTS: Record<string, readonly string[]> = {
  accessList: ["address", "storageKeys"],
  authorizationList: ["chainId", "address", "nonce", ...SIGNATURE],
};

/**
 * The fields of each type of transaction in the order that its hash is made in: legacy (yellow paper,
 * 4.2), EIP-2930, EIP-1559, EIP-4844, EIP-7702, and OP stack's deposits (0x7e).
 */
const FIELDS: Record<number, readonly string[]> = {
  0: ["nonce", "gasPrice", ...CALL, "v", "r", "s"],
  1: ["chainId", "nonce", "gasPrice", ...CALL, "accessList", ...SIGNATURE],
  2: ["chainId", "nonce", ...FEES, ...CALL, "accessList", ...SIGNATURE],
  3: [
    ...["chainId", "nonce", ...FEES, ...CALL, "accessList"],
    ...["maxFeePerBlobGas", "blobVersionedHashes", ...SIGNATURE],
  ],
  4: ["chainId", "nonce", ...FEES, ...CALL, "accessList", "authorizationList", ...SIGNATURE],
  126: ["sourceHash", "from", "to", "mint", "value", "gas", "isSystemTx", "input"],
};
const ZERO_ADDRESS = `0x${"0".repeat(40)}`;

/**
 * Whether a block's transactions, all of them, are those under the root in its header: then each has
 * the hash and the place that it claims.
 *
 * @param block with whole transactions
 * @returns `unknown` when one is of a type whose encoding is not known here; `wrong` when all are
 *   known, and do not give the root
 */
export function proveTransactions(block: RawBlock): "proven" | "unknown" | "wrong" {
  const all = block.transactions as RawTransaction[];
  // Bor's own transaction stands behind the others and outside the root.
  const transactions = all.filter((each) => !isStateSync(each));
  const root = String(block.transactionsRoot).toLowerCase();
  const encoded = encodeTransactions(block);
  if (encoded === null) return "unknown";
  const isOwnHash = (at: number): boolean =>
    keccakHex(bytesOf(encoded[at] ?? "0x")) === transactions[at]?.hash.toLowerCase();
  if (!transactions.every((_, at) => isOwnHash(at))) return "wrong";
  return trieRootOf(encoded) === root ? "proven" : "wrong";
}

/** The bytes of a block's transactions, as the root is made of them; null for an unknown type. */
export function encodeTransactions({ transactions }: RawBlock): Hex[] | null {
  const encoded = (transactions as RawTransaction[])
    .filter((each) => !isStateSync(each))
    .map(encode);
  return encoded.includes(null) ? null : (encoded as Hex[]);
}

/** @returns null when the type is not known, or a field is missing that it has */
function encode(transaction: RawTransaction): Hex | null {
  const type = Number(transaction.type ?? "0x0");
  const items = itemsOf(transaction, FIELDS[type] ?? []);
  if (items === null || items.length === 0) return null;
  const rlp = hexOf(rlpBytes(items));
  return type === 0 ? rlp : `0x${type.toString(16).padStart(2, "0")}${rlp.slice(2)}`;
}

function itemsOf(fields: Record<string, unknown>, names: readonly string[]): RlpItem[] | null {
  const items = names.map((name) => itemOf(name, fieldOf(fields, name)));
  return items.includes(null) ? null : (items as RlpItem[]);
}

/** Nodes name the parity of a signature in two ways. A contract's creation has no receiver. */
function fieldOf(fields: Record<string, unknown>, name: string): unknown {
  if (name === "yParity") return fields.yParity ?? fields.v;
  if (name === "to") return fields.to ?? "0x";
  if (name === "mint") return fields.mint ?? "0x0";
  if (name === "isSystemTx") return fields.isSystemTx === true ? "0x1" : "0x0";
  return fields[name];
}

function itemOf(name: string, value: unknown): RlpItem | null {
  if (Array.isArray(value)) {
    const items = value.map((each) =>
      LISTS[name] === undefined ? itemOf("input", each) : itemsOf(each, LISTS[name]),
    );
    return items.includes(null) ? null : (items as RlpItem[]);
  }
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]*$/.test(value)) return null;
  if (!BYTES.has(name)) return rlpInteger(value as Hex);
  return value.length % 2 === 0 ? (value.toLowerCase() as Hex) : null;
}

/** From and to nobody, without a signature. */
function isStateSync({ from, to, r }: RawTransaction): boolean {
  return from === ZERO_ADDRESS && to === ZERO_ADDRESS && Number(r ?? "0x0") === 0;
}
