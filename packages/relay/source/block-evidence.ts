/** What the chain says about a block: the evidence that rows of it were withdrawn. */
export type BlockEvidence = {
  /**
   * Whether the chain now has another block at that height. False while nobody says so: a node
   * that does not answer, lags behind, or still has the block is no evidence.
   */
  isReplaced(line: number, height: number, hash: string): Promise<boolean>;
};

/** The hash of the block at a height, or null when the endpoint has none there (yet). */
export type ReadBlockHash = (height: number) => Promise<string | null>;

/**
 * Evidence from RPC endpoints. One that answers with another hash speaks for a replaced block; one
 * that still has the old block speaks against it and is enough: behind a load balancer, nodes
 * disagree for a while, and there is no hurry.
 *
 * @param endpoints how to ask each endpoint of a chain, by chain id
 */
export function evidenceFrom(endpoints: Map<number, ReadBlockHash[]>): BlockEvidence {
  return {
    async isReplaced(line, height, hash) {
      const answers = await Promise.all(
        (endpoints.get(line) ?? []).map((read) => read(height).catch(() => null)),
      );
      const hashes = answers.filter((each) => each !== null).map((each) => each.toLowerCase());
      return hashes.length > 0 && hashes.every((each) => each !== hash.toLowerCase());
    },
  };
}
