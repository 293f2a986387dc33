import { CHAIN_ID, FACTORIES } from "../parts/escrow-chain.ts";
import type { RunningRpc } from "../parts/start-rpc.ts";

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

/** A database and the node of a recorded escrow chain, which answers as often as it is asked. */
export function recordedPlace(databaseUrl: string, { url, lastBlock }: RunningRpc): Place {
  return {
    databaseUrl,
    rpcUrl: url,
    chainId: CHAIN_ID,
    factories: FACTORIES,
    lastBlock,
    requestsPerSecond: 1_000,
  };
}

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
