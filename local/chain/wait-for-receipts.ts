import { setTimeout as sleep } from "node:timers/promises";
import type { Hash, RpcTransactionReceipt, TransactionReceipt } from "viem";
import type { ChainClient } from "./chain-client.ts";

const POLL_INTERVAL_MS = 25;
const POLLS_BETWEEN_CHECKS = 20;

/**
 * Waits until all transactions are mined; asks for all of them in one request.
 *
 * @returns The receipts in the order of the hashes.
 * @throws When one is still missing after `timeoutMs`, or when the node no longer knows one, as
 *   after a reorg.
 */
export async function waitForReceipts(
  client: ChainClient,
  hashes: readonly Hash[],
  timeoutMs = 30_000,
): Promise<RpcTransactionReceipt[]> {
  const deadline = performance.now() + timeoutMs;
  const receipts = new Map<Hash, RpcTransactionReceipt>();
  for (let poll = 1; ; poll++) {
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
    if (poll % POLLS_BETWEEN_CHECKS === 0) {
      await requireKnown(
        client,
        missing.filter((hash) => !receipts.has(hash)),
      );
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

/**
 * Waits until a transaction is mined. Not viem's own wait: it looks again with the next block only,
 * and on a chain that mines what it is sent there may be none.
 *
 * @throws as `waitForReceipts`
 */
export async function waitForReceipt(client: ChainClient, hash: Hash): Promise<TransactionReceipt> {
  await waitForReceipts(client, [hash]);
  return await client.getTransactionReceipt({ hash });
}

async function requireKnown(client: ChainClient, hashes: readonly Hash[]): Promise<void> {
  const transactions = await Promise.all(
    hashes.map((hash) => client.request({ method: "eth_getTransactionByHash", params: [hash] })),
  );
  const dropped = hashes.filter((_, index) => !transactions[index]);
  if (dropped.length > 0) throw new Error(`The node dropped ${dropped.join(", ")}`);
}
