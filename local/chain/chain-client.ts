import {
  createClient,
  type Hex,
  http,
  type PublicRpcSchema,
  publicActions,
  rpcSchema,
  type TestRpcSchema,
  testActions,
  type WalletRpcSchema,
  walletActions,
} from "viem";

type ReorgCall = { from: Hex; to: Hex; data?: Hex; value: Hex; gas: Hex };

type AnvilSchema = [
  ...PublicRpcSchema,
  ...WalletRpcSchema,
  ...TestRpcSchema<"anvil">,
  {
    Method: "anvil_reorg";
    Parameters: [depth: number, calls: (readonly [ReorgCall, block: number])[]];
    ReturnType: null;
  },
  { Method: "anvil_getIntervalMining"; Parameters?: undefined; ReturnType: number | null },
  { Method: "anvil_dumpState"; Parameters?: undefined; ReturnType: Hex },
  { Method: "evm_setTime"; Parameters: [unixSeconds: number]; ReturnType: number },
];

export type ChainClient = ReturnType<typeof connectToChain>;

/**
 * A client for a local anvil chain.
 *
 * It polls fast, because viem's own interval would make each receipt cost four seconds, and it
 * does not retry: its callers know what is safe to send again.
 */
export function connectToChain(rpcUrl: string) {
  return createClient({
    pollingInterval: 20,
    cacheTime: 0,
    rpcSchema: rpcSchema<AnvilSchema>(),
    transport: http(rpcUrl, {
      batch: { batchSize: 200 },
      retryCount: 0,
      timeout: 30_000,
      // The node is ours, and one query may ask for every log of the chain.
      maxResponseBodySize: false,
    }),
  })
    .extend(testActions({ mode: "anvil" }))
    .extend(publicActions)
    .extend(walletActions);
}
