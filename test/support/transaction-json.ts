import { type Hex, keccak256, numberToHex, toRlp } from "viem";

const ONE_WORD: Hex = `0x${"0".repeat(63)}1`;
const GAS: Hex = "0x30d40";

/** What tells a transaction that is made up apart from others. */
export type MadeUp = { to: Hex; salt: Hex };

/** The hash that such a transaction has to have: of a legacy one, whose input is the salt. */
export function transactionHash(transaction: MadeUp): Hex {
  return keccak256(encodeTransaction(transaction));
}

/** What a block's root is made of for it. */
export function encodeTransaction({ to, salt }: MadeUp): Hex {
  return toRlp(["0x", "0x", GAS, to, "0x", salt, "0x1b", "0x01", "0x01"]) as Hex;
}

/** It as nodes have it in JSON-RPC, in a block. */
export function transactionJson(
  transaction: MadeUp & { from: Hex },
  block: { number: number; hash: Hex },
  index: number,
): Record<string, unknown> {
  const { from, to, salt } = transaction;
  return {
    ...{ from, to, hash: transactionHash(transaction), input: salt },
    ...{ blockHash: block.hash, blockNumber: numberToHex(block.number) },
    transactionIndex: numberToHex(index),
    ...{ value: "0x0", nonce: "0x0", gas: GAS, gasPrice: "0x0", type: "0x0" },
    ...{ v: "0x1b", r: ONE_WORD, s: ONE_WORD },
  };
}
