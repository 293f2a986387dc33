import { setTimeout } from "node:timers/promises";
import { withClient } from "../../db/with-client.ts";
import { readEngineState } from "./engine-state.ts";
import { countHandoverStart, isOfBuild, recordSwap, wantedDeployment } from "./generation.ts";
import { swapViews } from "./swap-views.ts";
import { viewedDeployment } from "./viewed-deployment.ts";

const POLL_MS = 1_000;
const SWAP_POLL_MS = 100;

/** What the indexer of a build runs now. */
export type ChosenDeployment = {
  schema: string;
  /** Set when it is to take over from the live deployment; waits for that and swaps the views. */
  takeOver: (() => Promise<void>) | null;
};

/**
 * Chooses the deployment that the indexer of a build runs, and counts the start when that one is to
 * be handed over. The indexer brings such a deployment to where the live one stands, which nobody
 * writes to meanwhile: readers see the live one, and nothing of how the engine reverts and re-indexes
 * what is not final.
 */
export async function chooseDeployment(
  databaseUrl: string,
  build: string,
): Promise<ChosenDeployment> {
  return await withClient(databaseUrl, async (client) => {
    const wanted = await wantedDeployment(client, build);
    if (!wanted.isHandover) return { schema: wanted.schema, takeOver: null };
    if (!(await countHandoverStart(client, wanted.schema)))
      return { schema: (await wantedDeployment(client, build)).schema, takeOver: null };
    const { schema } = wanted;
    const live = await viewedDeployment(client);
    if (live === null || !isOfBuild(live, build)) {
      // Another build took its place meanwhile: there is nobody to take over from, and the engine
      // takes the views as it does for any build that is started.
      await recordSwap(client, build, schema);
      return { schema, takeOver: null };
    }
    const { chains } = await readEngineState(client, schema);
    const before = new Map(chains.map(({ chainId, rowVersion }) => [chainId, rowVersion]));
    return { schema, takeOver: () => takeOver(databaseUrl, build, schema, before) };
  });
}

/**
 * Resolves with the name of the deployment when the build's indexer has to run another one than this.
 * A database that does not answer is asked again.
 */
export async function waitForOtherDeployment(
  databaseUrl: string,
  build: string,
  schema: string,
): Promise<string> {
  for (;;) {
    const other = await withClient(databaseUrl, async (client) => {
      for (;;) {
        const wanted = await wantedDeployment(client, build);
        if (wanted.schema !== schema) return wanted.schema;
        await setTimeout(POLL_MS, undefined, { ref: false });
      }
    }).catch(() => null);
    if (other !== null) return other;
    await setTimeout(POLL_MS, undefined, { ref: false });
  }
}

/** @throws when it cannot be done: the next start of the indexer tries again */
async function takeOver(
  databaseUrl: string,
  build: string,
  schema: string,
  before: Map<number, string>,
): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    while ((await swapViews(client, build, schema, before)) !== "swapped")
      await setTimeout(SWAP_POLL_MS);
  });
}
