import { type ChainClient, connectToChain } from "./chain-client.ts";
import { SECONDS_PER_DAY } from "./deal.ts";
import { startTraffic, type TrafficOptions } from "./escrow-traffic.ts";

/** How long before now a chain has to begin: refunds, too, come to pass within that time. */
export const HISTORY_SECONDS = 44 * SECONDS_PER_DAY;

/**
 * Plays the days from a fresh chain's first block up to now as fast as it can, and leaves the
 * chain's clock at the wall clock. So there is something to see at once, most of it is under enough
 * blocks to be final, and the contract and the wall clock agree on what is releasable.
 *
 * The chain must not mine by itself meanwhile. A chain that has a history gets no second one.
 *
 * @throws when a step of the history fails
 */
export async function playHistory(
  options: Omit<TrafficOptions, "eventsPerSecond" | "untilToday" | "onError">,
): Promise<void> {
  const client = connectToChain(options.rpcUrl);
  if (await isPlayed(client, options)) return;
  const failed = new AbortController();
  const history = startTraffic({
    ...options,
    eventsPerSecond: Number.POSITIVE_INFINITY,
    untilToday: true,
    signal: failed.signal,
    onError: (error) => failed.abort(error),
  });
  await history.ended;
  failed.signal.throwIfAborted();
  await client.request({ method: "evm_setTime", params: [Math.floor(Date.now() / 1_000)] });
  await client.mine({ blocks: 1 });
}

/** Whether there is anything after the factories. */
async function isPlayed(
  client: ChainClient,
  { factories }: Pick<TrafficOptions, "factories">,
): Promise<boolean> {
  const { revisionA, revisionB } = factories;
  const head = Number(await client.getBlockNumber());
  return head > Math.max(revisionA.startBlock, revisionB.startBlock);
}
