/** Where an indexer works, and on what. */
export type Place = {
  databaseUrl: string;
  rpcUrl: string;
  chainId: number;
  factories: { A: `0x${string}`; B: `0x${string}` };
  /** The last block that may hold an event. */
  lastBlock: number;
  /** What the node allows: ours is told, the others have their own ways. */
  requestsPerSecond: number;
};

/** What an indexer wrote, in the same words for each of them. */
export type Facts = {
  events: number;
  escrows: number;
  /** Hash over block, log index, type and escrow of every event, in the order of the chain. */
  eventsHash: string;
  /** Hash over address, status, arbiter and amount of every escrow, by address. */
  statesHash: string;
  /** What it notices itself to be wrong, as a number. */
  faults: number;
};
