import type { RetryPolicy } from "./resources.ts";
import { backoffBounds } from "./validate-resource.ts";

/**
 * Milliseconds to wait before a message is delivered again after its nth failure: doubles from the
 * minimum to the maximum of the policy; at once without a policy.
 */
export function retryBackoffMs(policy: RetryPolicy | null, failures: number): number {
  if (policy === null) return 0;
  const { minMs, maxMs } = backoffBounds(policy);
  return Math.min(maxMs, minMs * 2 ** (failures - 1));
}
