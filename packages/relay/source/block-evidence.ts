/** What the chain says about a block: the evidence that rows of it were withdrawn. */
export type BlockEvidence = {
  /**
   * Whether the chain now has another block at that height. False while nobody says so: a node
   * that does not answer, lags behind, or still has the block is no evidence.
   */
  isReplaced(line: number, height: number, hash: string): Promise<boolean>;
};
