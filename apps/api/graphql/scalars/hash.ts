import { textScalar } from "./text-scalar.ts";

export const Hash = textScalar({
  name: "Hash",
  description: "The hash of a block or a transaction: 0x and 64 hex digits, in lower case.",
  parse: (text) => (/^0x[0-9a-fA-F]{64}$/.test(text) ? text.toLowerCase() : null),
  expected: "a hash: 0x and 64 hex digits",
});
