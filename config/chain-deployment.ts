/** A factory whose escrows are followed. */
export type FactoryDeployment = {
  address: `0x${string}`;
  /** The block that the factory was deployed in, or any one before it. */
  startBlock: number;
  /** Contract revision; without it both are followed. */
  revision?: "A" | "B";
};

/** A chain and the factories on it, as `deployments.ts` names them. */
export type ChainDeployment = {
  /** Short and stable: the engine keeps its checkpoint under this name. */
  name: string;
  chainId: number;
  factories: FactoryDeployment[];
  /**
   * Whether escrows of revision A are asked for their first arbiter, which none of their events says.
   * `skip`: it stays unknown until a change names it. For a chain whose nodes have no state to ask.
   * Rows depend on it, so another value makes another build.
   */
  arbiters?: "read" | "skip";
};

/** A chain with everything the environment adds to it. */
export type Chain = ChainDeployment & {
  /** Endpoints in order of preference; the engine fails over between them. */
  rpcUrls: string[];
  /** How often the engine asks for a new block. */
  pollIntervalMs: number;
  /** What the provider allows, for each endpoint. */
  rpcRequestsPerSecond: number;
  /** How many endpoints have to give the same logs of final blocks; 1 unless given. */
  rpcAgree?: number;
  /** Blocks that one question for logs may span; found out unless given. */
  rpcMaxBlocks?: number | undefined;
  /** Contracts that one question for logs may name; found out unless given. */
  rpcMaxAddresses?: number | undefined;
};
