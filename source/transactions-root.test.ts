import { type Hex, keccak256, numberToHex, parseTransaction } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { describe, expect, test } from "vitest";
import type { RawBlock } from "./raw-block.ts";
import { proveTransactions } from "./transactions-root.ts";
import { trieRootOf } from "./trie-root-of.ts";

const account = privateKeyToAccount(`0x${"11".repeat(32)}`);
const to: Hex = `0x${"ab".repeat(20)}`;
const slot: Hex = `0x${"07".repeat(32)}`;
const call = { to, data: "0x12065fe0", gas: 90_000n, value: 0n, chainId: 1, nonce: 130 } as const;
const fees = { maxFeePerGas: 40n, maxPriorityFeePerGas: 2n };
const accessList = [{ address: to, storageKeys: [slot] }];

/** As viem, another implementation, encodes and signs them. */
const SIGNED = {
  "legacy before EIP-155": { ...call, chainId: undefined, type: "legacy", gasPrice: 7n },
  legacy: { ...call, type: "legacy", gasPrice: 7n, nonce: 0 },
  "the creation of a contract": { ...call, to: null, type: "legacy", gasPrice: 7n },
  "EIP-2930": { ...call, type: "eip2930", gasPrice: 7n, accessList },
  "EIP-1559": { ...call, type: "eip1559", ...fees, accessList },
  "EIP-4844": {
    ...{ ...call, type: "eip4844", ...fees, maxFeePerBlobGas: 9n },
    blobVersionedHashes: [`0x01${"cd".repeat(31)}`],
  },
  "EIP-7702": { ...call, type: "eip7702", ...fees },
} as const;

const hexOf = (value: unknown): unknown => {
  if (typeof value === "bigint" || typeof value === "number") return numberToHex(value);
  if (Array.isArray(value)) return value.map(hexOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, hexOf(each)]));
};

const TYPES = ["legacy", "eip2930", "eip1559", "eip4844", "eip7702"];

async function signed(name: keyof typeof SIGNED): Promise<{ raw: Hex; json: { hash: Hex } }> {
  const { data, type, ...fields } = SIGNED[name];
  const authorizationList =
    type === "eip7702"
      ? [await account.signAuthorization({ address: to, chainId: 1, nonce: 3 })]
      : [];
  const raw = await account.signTransaction({ ...SIGNED[name], authorizationList } as never);
  const parsed = parseTransaction(raw);
  const json = {
    ...(hexOf({ accessList: [], ...fields, ...parsed, authorizationList }) as object),
    ...{ from: account.address.toLowerCase(), input: data, type: numberToHex(TYPES.indexOf(type)) },
    ...{ to: fields.to, nonce: numberToHex(fields.nonce), value: "0x0", hash: keccak256(raw) },
  };
  return { raw, json: { ...json, v: hexOf(parsed.v ?? parsed.yParity) } as never };
}

function block(transactions: { raw: Hex; json: object }[]): RawBlock {
  return {
    transactionsRoot: trieRootOf(transactions.map(({ raw }) => raw)),
    transactions: transactions.map(({ json }) => json),
  } as unknown as RawBlock;
}

describe("the root of a block's transactions", () => {
  for (const name of Object.keys(SIGNED) as (keyof typeof SIGNED)[])
    test(`is given by a transaction: ${name}`, async () => {
      expect(proveTransactions(block([await signed(name)]))).toBe("proven");
    });

  test("is given by many of them, in their order only", async () => {
    const names = Object.keys(SIGNED) as (keyof typeof SIGNED)[];
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, at) => names[at % 7] ?? "legacy").map(signed),
    );
    const whole = block(all);
    expect(proveTransactions(whole)).toBe("proven");
    const [first, second, ...rest] = whole.transactions as object[];
    for (const transactions of [
      [second, first, ...rest],
      rest,
      [...(whole.transactions as object[]), first],
    ])
      expect(proveTransactions({ ...whole, transactions })).toBe("wrong");
  });

  test("is not given by a transaction under another hash, or with another field", async () => {
    const one = await signed("EIP-1559");
    const { transactionsRoot } = block([one]);
    for (const change of [{ hash: slot }, { value: "0x1" }, { input: "0x" }, { r: slot }]) {
      const transactions = [{ ...one.json, ...change }];
      expect(proveTransactions({ transactionsRoot, transactions } as never)).toBe("wrong");
    }
  });

  test("is not known for a type that is not known", async () => {
    const one = await signed("legacy");
    const { transactionsRoot } = block([one]);
    const transactions = [{ ...one.json, type: "0x64" }];
    expect(proveTransactions({ transactionsRoot, transactions } as never)).toBe("unknown");
  });

  test("of an empty block is the empty one, and Polygon's own transaction is outside of it", async () => {
    const nobody = `0x${"0".repeat(40)}`;
    const stateSync = { hash: slot, from: nobody, to: nobody, type: "0x0", r: "0x0" };
    const one = await signed("legacy");
    expect(proveTransactions(block([]))).toBe("proven");
    const { transactionsRoot } = block([one]);
    const transactions = [one.json, stateSync];
    expect(proveTransactions({ transactionsRoot, transactions } as never)).toBe("proven");
    expect(proveTransactions({ transactionsRoot, transactions: [] } as never)).toBe("wrong");
  });
});
