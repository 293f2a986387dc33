/**
 * What the chain says about a block: the evidence that rows of it were withdrawn. Each answer stands
 * on looks at different times, and on more than one node where there are more. A node that does not
 * answer, or lags behind, says nothing.
 */
export type BlockEvidence = {
  /** Whether the chain now has another block at that height, and nobody still has this one. */
  isReplaced(line: number, height: number, hash: string): Promise<boolean>;
  /** Whether the chain has this very block there, and nobody has another one. */
  isCanonical(line: number, height: number, hash: string): Promise<boolean>;
};
