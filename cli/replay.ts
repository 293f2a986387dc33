import "./load-env-file.ts";
import { ConfigError } from "../config/config-error.ts";
import { parseChains } from "../config/parse-chains.ts";
import { exitWith, parseProcessConfig } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { deploymentSchema } from "../engine/build-schema.ts";
import { addServiceEnvironment } from "../local/service-environment.ts";
import { parseReplayOptions, parseToBlocks, REPLAY_HELP } from "../proof/replay/replay-options.ts";
import { replayOutput } from "../proof/replay/replay-output.ts";
import { runReplay } from "../proof/replay/run-replay.ts";
import { BuildFailed } from "../proof/replay/wait-until-built.ts";
import { DEFAULT_DATA_DIR } from "../supervisor/start-options.ts";

/* `npm run replay`: builds the live deployment anew beside itself, compares, and swaps. */

try {
  const { toBlock, ...options } = parseReplayOptions(
    process.argv.slice(2),
    process.env.DATA_DIR || DEFAULT_DATA_DIR,
  );
  if (options.help) {
    console.log(REPLAY_HELP);
    process.exit(0);
  }
  addServiceEnvironment(process.env, options.dataDir);
  if (!process.env.DATABASE_URL)
    throw new ConfigError([
      {
        where: "DATABASE_URL",
        what: `is not set, and no npm start runs on the data folder ${options.dataDir}: set it, or name the folder with --data-dir`,
      },
    ]);
  const { databaseUrl } = parseProcessConfig(process.env);
  const chains = parseChains(process.env);
  const toBlocks = parseToBlocks(
    toBlock,
    chains.map(({ chainId }) => chainId),
  );
  await checkDatabase(databaseUrl);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  process.exit(
    await runReplay(
      { ...options, toBlocks },
      {
        databaseUrl,
        build: await deploymentSchema(),
        chains,
        env: process.env,
        output: replayOutput(process.stdout),
        signal: stop.signal,
      },
    ),
  );
} catch (error) {
  if (error instanceof BuildFailed) {
    console.error(error.message);
    process.exit(1);
  }
  exitWith(error);
}
