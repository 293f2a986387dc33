import { textScalar } from "./text-scalar.ts";

const MAX_UINT256 = 2n ** 256n - 1n;

export const BigIntScalar = textScalar({
  name: "BigInt",
  description:
    "A uint256: a whole number from 0 to 2^256 - 1 as a decimal string, which no number of JSON can hold. Amounts are in wei.",
  parse: (text) =>
    /^\d{1,78}$/.test(text) && BigInt(text) <= MAX_UINT256 ? String(BigInt(text)) : null,
  expected: "a whole number from 0 to 2^256 - 1, as a decimal string",
  takesNumbers: true,
});
