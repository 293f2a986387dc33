import { z } from "zod";

/*
 * The long certificate: a file of JSON lines, compressed with gzip, that proves by itself what our
 * contracts logged in a range of blocks. One line that says what it is about, a line per block from
 * the first to the last, one line that says what follows from them. Whoever trusts the hash of the
 * last block needs nothing else: no node, no database, and not whoever made the file.
 */

const hex = z.string().regex(/^0x([0-9a-f]{2})*$/);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const address = z.string().regex(/^0x[0-9a-f]{40}$/);

export const proofHead = z.strictObject({
  kind: z.literal("escrow-stream chain proof"),
  version: z.literal(1),
  tool: z.string(),
  madeAt: z.string(),
  chainId: z.int(),
  name: z.string(),
  factories: z
    .strictObject({ address, startBlock: z.int(), revision: z.enum(["A", "B"]).optional() })
    .array(),
  from: z.int().min(0),
  to: z.int(),
  lastBlockHash: hash,
  /** Whether the range begins where the first factory does: else escrows from before are unknown. */
  isWholeHistory: z.boolean(),
  /** Whether blocks are passed over by their bloom; else there are receipts of every one. */
  areBloomsUsed: z.boolean(),
  /** Who said that the last block is the chain's: the proof itself does not rest on them. */
  headNamedBy: z.string().array(),
});

/** Hex of what a node has in its database: RLP, as the hashes are made of it. */
export const provenBlockLine = z.strictObject({
  header: hex,
  /** Where the header alone does not prove that nothing of ours is in the block. */
  receipts: hex.array().optional(),
  /** Where there are events: a receipt does not have the hash of its transaction. */
  transactions: hex.array().optional(),
  /** Instead, where the chain has transactions of an encoding that is not known; believed. */
  transactionHashes: hash.array().optional(),
});

export const proofEnd = z.strictObject({
  blocks: z.int(),
  receiptsBlocks: z.int(),
  escrows: z.int(),
  events: z.int(),
  /** Of the events in their order (docs/reference/certificate.md). */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type ProofHead = z.infer<typeof proofHead>;
export type ProvenBlockLine = z.infer<typeof provenBlockLine>;
export type ProofEnd = z.infer<typeof proofEnd>;
