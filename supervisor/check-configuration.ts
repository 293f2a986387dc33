import { apiSection } from "../config/api-config.ts";
import { finalRequiresSection } from "../config/final-requires.ts";
import { localSection } from "../config/local-config.ts";
import { chainSection, namesNoChain } from "../config/parse-chains.ts";
import {
  databaseSection,
  indexerSection,
  logSection,
  witnessSection,
} from "../config/process-config.ts";
import { relaySection } from "../config/relay-config.ts";
import { type Env, type Parsed, parseSections } from "../config/section.ts";

/** In place of the embedded chain, whose addresses are not known before it runs. */
const LOCAL_CHAIN = {
  CHAIN_ID: "31337",
  CONTRACT_ADDRESS: "0x0000000000000000000000000000000000000001",
  START_BLOCK: "0",
  RPC_URL: "http://127.0.0.1",
};

const chains = {
  variables: chainSection.variables,
  parse: (env: Env) => chainSection.parse(namesNoChain(env) ? { ...env, ...LOCAL_CHAIN } : env),
};

/** All that `npm start` is configured by. */
export const SERVICE_SECTIONS = {
  chains,
  database: databaseSection,
  api: apiSection,
  indexer: indexerSection,
  relay: relaySection,
  witness: witnessSection,
  finalRequires: finalRequiresSection,
  logLevel: logSection,
  local: localSection,
};

/**
 * Checks everything that is configured before anything is started, reading what the embedded parts
 * will add later as if it were there.
 *
 * @throws ConfigError with every problem found
 */
export function checkConfiguration(env: Env): Parsed<typeof SERVICE_SECTIONS> {
  return parseSections(
    {
      ...env,
      DATABASE_URL: env.DATABASE_URL || "postgres://embedded/escrow",
      PUBSUB_PROJECT_ID: env.PUBSUB_PROJECT_ID || "local",
    },
    SERVICE_SECTIONS,
  );
}
