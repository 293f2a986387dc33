import type { Hex } from "../src/events/escrow-event.ts";
import { hexOf, type RlpItem, rlpBytes, rlpInteger } from "./rlp.ts";
import { trieRootOf } from "./trie-root-of.ts";

type RawLog = { address: Hex; topics: readonly Hex[]; data: Hex };

/** A transaction's receipt in JSON-RPC, as far as the receipts root is made of it. */
export type RawReceipt = {
  type?: Hex;
  status?: Hex;
  /** Before Byzantium, in the place of the status. */
  root?: Hex;
  cumulativeGasUsed: Hex;
  logsBloom: Hex;
  logs: readonly RawLog[];
  transactionIndex: Hex;
  /** OP stack's deposits (type 0x7e), since Regolith and Canyon. */
  depositNonce?: Hex;
  depositReceiptVersion?: Hex;
};

/**
 * The root of the trie of a block's receipts (Ethereum yellow paper, 4.3.2; EIP-2718 for typed ones):
 * equal to the header's `receiptsRoot` when these are all receipts of the block, each as it was.
 *
 * @param receipts of one block, in the order of its transactions
 */
export function receiptsRootOf(receipts: readonly RawReceipt[]): Hex {
  return trieRootOf(receipts.map(encodeReceipt));
}

/** The bytes of a receipt, as the root is made of them. */
export function encodeReceipt(receipt: RawReceipt): Hex {
  const type = Number(receipt.type ?? "0x0");
  const outcome = receipt.status === undefined ? receipt.root : rlpInteger(receipt.status);
  if (outcome === undefined) throw new Error("a receipt has neither status nor root");
  const fields: RlpItem[] = [
    outcome,
    rlpInteger(receipt.cumulativeGasUsed),
    receipt.logsBloom,
    receipt.logs.map(({ address, topics, data }) => [address, [...topics], data]),
  ];
  // With Canyon's version the nonce is part of what is hashed; with Regolith's alone it is not.
  if (type === 0x7e && receipt.depositReceiptVersion !== undefined)
    fields.push(
      rlpInteger(receipt.depositNonce ?? "0x0"),
      rlpInteger(receipt.depositReceiptVersion),
    );
  const rlp = hexOf(rlpBytes(fields));
  return type === 0 ? rlp : `0x${type.toString(16).padStart(2, "0")}${rlp.slice(2)}`;
}
