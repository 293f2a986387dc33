/** What `eth_getLogs` is asked for, as nodes take it in JSON-RPC. */
export type LogFilter = {
  blockHash?: string;
  fromBlock?: string;
  toBlock?: string;
  address?: string | string[];
  topics?: (string | string[] | null)[];
};
