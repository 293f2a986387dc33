import { setTimeout as sleep } from "node:timers/promises";
import type { Hash, RpcTransactionReceipt } from "viem";
import type { ChainClient } from "./chain-client.ts";

const POLL_INTERVAL_MS = 25;

/**
 * Waits until all transactions are mined; asks for all of them in one request.
 *
 * @returns The receipts in the order of the hashes.
 * @throws When one is still missing after `timeoutMs`, as it is when a reorg dropped it.
 */
export async function waitForReceipts(
  client: ChainClient,
  hashes: readonly Hash[],
  timeoutMs = 30_000,
): Promise<RpcTransactionReceipt[]> {
  const deadline = performance.now() + timeoutMs;
  const receipts = new Map<Hash, RpcTransactionReceipt>();
  for (;;) {
    const missing = hashes.filter((hash) => !receipts.has(hash));
    const answers = await Promise.all(
      missing.map((hash) =>
        client.request({ method: "eth_getTransactionReceipt", params: [hash] }),
      ),
    );
    for (const receipt of answers) if (receipt) receipts.set(receipt.transactionHash, receipt);
    if (receipts.size === hashes.length) return hashes.flatMap((hash) => receipts.get(hash) ?? []);
    if (performance.now() > deadline) {
      throw new Error(`${hashes.length - receipts.size} transactions were not mined in time`);
    }
    await sleep(POLL_INTERVAL_MS);
  }
}
