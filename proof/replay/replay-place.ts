import type { Chain } from "../../config/chain-deployment.ts";
import type { ReplayOutput } from "./replay-output.ts";

/** Where a replay happens, and with whom it talks. */
export type ReplayPlace = {
  databaseUrl: string;
  /** This build's first deployment, as `deploymentSchema` names it. */
  build: string;
  chains: Chain[];
  env: NodeJS.ProcessEnv;
  output: ReplayOutput;
  /** Ends the run in good order, wherever it is. */
  signal: AbortSignal;
};
