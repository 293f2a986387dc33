import { readFileSync } from "node:fs";
import { isAddress } from "viem";
import { z } from "zod";
import type { ChainDeployment } from "./chain-deployment.ts";

/** GraphQL's Int, which carries the chain id, ends here. */
const MAX_CHAIN_ID = 2 ** 31 - 1;

const address = z
  .string()
  .trim()
  .refine((value) => isAddress(value, { strict: value !== value.toLowerCase() }), {
    error: ({ input }) =>
      `"${input}" is not an address; expected 0x and 40 hex digits, with a right checksum if it has one`,
  })
  .transform((value) => value.toLowerCase() as `0x${string}`);
// Not z.coerce: in JSON that would make null block 0 and true chain 1.
const whole = z.union(
  [z.int(), z.string().trim().regex(/^\d+$/).transform(Number)],
  "expected a whole number",
);

export const chainId = whole.pipe(
  z
    .number()
    .min(1, "expected a chain id from 1")
    .max(MAX_CHAIN_ID, `chain ids above ${MAX_CHAIN_ID} are not supported`),
);

export const blockNumber = whole.pipe(
  z.int("expected a block number").min(0, "expected a block number from 0"),
);

export const addressList = z
  .string()
  .transform((value) => value.split(","))
  .pipe(address.array());

const chainDeployment = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, "expected a short lower-case name"),
  chainId,
  factories: z
    .strictObject({ address, startBlock: blockNumber, revision: z.enum(["A", "B"]).optional() })
    .array()
    .min(1, "expected at least one factory"),
  arbiters: z.enum(["read", "skip"], "expected read or skip").optional(),
});

/** JSON in the form of `deployments.ts`, or the path of a file that holds it. */
export const deploymentList = z
  .string()
  .transform((value, context): unknown => {
    try {
      return JSON.parse(/^\s*[[{]/.test(value) ? value : readFileSync(value, "utf8"));
    } catch (error) {
      context.addIssue((error as Error).message);
      return z.NEVER;
    }
  })
  .pipe(
    z
      .array(chainDeployment, "expected a list of chains: [{ … }]")
      .min(1, "expected at least one chain"),
  )
  .transform((chains) => chains as ChainDeployment[]);
