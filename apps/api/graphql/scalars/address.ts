import { isAddress } from "viem/utils";
import { textScalar } from "./text-scalar.ts";

export const Address = textScalar({
  name: "Address",
  description:
    "An account or contract: 0x and 40 hex digits, answered in lower case. Sent in mixed case, it must have the checksum of EIP-55.",
  parse: (text) => (isAddress(text) ? text.toLowerCase() : null),
  expected:
    "an address: 0x and 40 hex digits in lower case, or in mixed case with the right checksum (EIP-55)",
});
