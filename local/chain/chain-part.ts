import { type EmbeddedPart, portOf } from "../embedded-part.ts";
import { connectToChain } from "./chain-client.ts";
import { type DeployedFactories, deployFactories } from "./deploy-factories.ts";
import { startTraffic } from "./escrow-traffic.ts";
import { HISTORY_SECONDS, playHistory } from "./play-history.ts";
import { startAnvil } from "./start-anvil.ts";

export type SampleOptions = {
  /** Events per second of the sample escrows; 0 for none. */
  eventsPerSecond: number;
  seed: number;
};

export type ChainPart = EmbeddedPart & {
  /** Ends the sample traffic and mines until everything is final. */
  makeFinal(): Promise<void>;
};

const CHAIN_ID = 31_337;
const BLOCK_TIME_SECONDS = 1;
/** More than twice the engine's finality depth of 30 blocks: then the last event is final. */
const BLOCKS_TO_FINALITY = 70;

/**
 * Starts the chain that stands in for a real one, with sample escrows: a history of some weeks up
 * to now, and from there on what happens happens now.
 */
export async function startChainPart(
  env: Record<string, string | undefined>,
  stateFile: string,
  { eventsPerSecond, seed }: SampleOptions,
): Promise<ChainPart> {
  const anvil = await startAnvil({
    chainId: CHAIN_ID,
    stateFile,
    genesisTimestamp: Math.floor(Date.now() / 1_000) - HISTORY_SECONDS,
    resumesNow: true,
    ...portOf(env.CHAIN_PORT),
  });
  try {
    const client = connectToChain(anvil.rpcUrl);
    const factories = await deployFactories(anvil);
    const sample = { rpcUrl: anvil.rpcUrl, chainId: CHAIN_ID, factories, seed };
    await client.setAutomine(false);
    if (eventsPerSecond > 0) await playHistory(sample);
    // Before it is indexed: a kill must not lose what the indexer holds for final.
    await anvil.save();
    await client.setIntervalMining({ interval: BLOCK_TIME_SECONDS });
    const traffic = eventsPerSecond > 0 ? startTraffic({ ...sample, eventsPerSecond }) : null;
    return {
      name: "chain",
      line: `Chain       embedded: ${anvil.rpcUrl}, chain id ${CHAIN_ID}, sample escrows`,
      env: environmentOf(env, anvil.rpcUrl, factories),
      process: anvil.process,
      makeFinal: async () => {
        await traffic?.stop();
        await client.mine({ blocks: BLOCKS_TO_FINALITY });
      },
      stop: async () => {
        await traffic?.stop();
        await anvil.stop();
      },
      kill: () => void anvil.process.kill("SIGKILL"),
    };
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

function environmentOf(
  env: Record<string, string | undefined>,
  rpcUrl: string,
  { revisionA, revisionB }: DeployedFactories,
): Record<string, string> {
  const factories = [
    { ...revisionA, revision: "A" },
    { ...revisionB, revision: "B" },
  ];
  return {
    DEPLOYMENTS: JSON.stringify([{ name: "local", chainId: CHAIN_ID, factories }]),
    [`RPC_URL_${CHAIN_ID}`]: rpcUrl,
    POLL_INTERVAL_SECONDS: env.POLL_INTERVAL_SECONDS || "0.25",
    RPC_REQUESTS_PER_SECOND: env.RPC_REQUESTS_PER_SECOND || "500",
  };
}
