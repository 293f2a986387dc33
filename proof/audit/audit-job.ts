import type { FactoryDeployment } from "../../config/chain-deployment.ts";

/** What is audited on one chain. */
export type ChainJob = {
  chainId: number;
  name: string;
  factories: FactoryDeployment[];
  /** First and last block, both included. */
  from: number;
  to: number;
  /** What says that the last block is final. */
  finality: string;
};

/** What an audit was asked to do. Progress belongs to one such request and to no other. */
export type AuditRequest = {
  schema: string;
  thorough: boolean;
  chains: {
    chainId: number;
    factories: FactoryDeployment[];
    rpcHost: string;
    fromBlock: number | null;
    toBlock: number | null;
  }[];
};

/** A request and the ranges that were chosen for it, once for all. */
export type AuditJob = { request: AuditRequest; startedAt: string; chains: ChainJob[] };
