/** What the engine starts with for each endpoint, each second. */
const ENGINE_REQUESTS_PER_SECOND = 20;

/**
 * The engine starts with 20 requests per second for each endpoint that it is given and has no
 * setting for it (ponder 0.17, `src/rpc/index.ts`, `INITIAL_MAX_RPS`). An endpoint given several
 * times gets that many budgets, so this lists each as often as the provider's allowance holds 20.
 *
 * @param requestsPerSecond what the provider allows for one endpoint
 */
export function enginePace(rpcUrls: string[], requestsPerSecond: number): string[] {
  const copies = Math.max(1, Math.floor(requestsPerSecond / ENGINE_REQUESTS_PER_SECOND));
  return rpcUrls.flatMap((url) => Array<string>(copies).fill(url));
}
