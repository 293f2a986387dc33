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
};

/** A chain with everything the environment adds to it. */
export type Chain = ChainDeployment & {
  /** Endpoints in order of preference; the engine fails over between them. */
  rpcUrls: string[];
  /** How often the engine asks for a new block. */
  pollIntervalMs: number;
  /** What the provider allows, for each endpoint. */
  rpcRequestsPerSecond: number;
};
