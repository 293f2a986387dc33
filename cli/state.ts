import "./load-env-file.ts";
import { parseArgs } from "node:util";
import { ConfigError } from "../config/config-error.ts";
import { exitWith, parseProcessConfig } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { FrozenDatabase } from "../db/frozen-database.ts";
import { VIEWS_SCHEMA } from "../engine/build-schema.ts";
import { findDeployment } from "../engine/deployment/find-deployment.ts";
import { readEscrowState } from "../proof/archive/escrow-state.ts";
import { chainsInWords, namedChain } from "../proof/archive/named-chain.ts";
import { UnreadableEvent } from "../src/events/upcast.ts";
import { escrowJson, escrowLines } from "./escrow-report.ts";
import { parseSchemaName } from "./schema-option.ts";

/*
 * `npm run state -- <chain> <escrow> [--block N] [--json]`: an escrow as it stood at a block, folded
 * from the event store.
 */

const HELP = `Usage: npm run state -- <chain> <escrow> [--block <number>] [--json] [--schema <name>]

Shows an escrow as it stood when that block had been indexed, folded from its events up to there.

  <chain>    its id or its name
  --block    default: the last indexed block
  --json     for machines
  --schema   a deployment's schema; default ${VIEWS_SCHEMA}, the live one's views

Needs DATABASE_URL. Exit code 1 when there is nothing to show; the message says why.`;

/** What is asked for is not there: no mistake in the configuration, and no use in trying again. */
class NothingToShow extends Error {}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      block: { type: "string" },
      json: { type: "boolean", default: false },
      schema: { type: "string", default: VIEWS_SCHEMA },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const wanted = parseWanted(positionals, values.block);
  const schema = parseSchemaName("--schema", values.schema);
  const { databaseUrl } = parseProcessConfig(process.env);
  await checkDatabase(databaseUrl);
  const database = await FrozenDatabase.open(databaseUrl);
  try {
    const deployment = await findDeployment(database, schema);
    const chain = namedChain(deployment.chains, wanted.chain);
    if (chain === undefined)
      throw new NothingToShow(
        `chain "${wanted.chain}" is not followed here (followed: ${chainsInWords(deployment.chains)})`,
      );
    const { chainId, name } = chain;
    const head = chain.indexedBlock;
    const block = wanted.block ?? head;
    if (block > head)
      throw new NothingToShow(
        `block ${block} of chain ${chainId} (${name}) is not indexed: the indexed head is block ${head}`,
      );
    const history = await readEscrowState(
      database,
      deployment.schema,
      chainId,
      wanted.address,
      block,
    );
    const { state, nextBlock } = history;
    if (state === null)
      throw new NothingToShow(
        nextBlock === null
          ? `no escrow ${wanted.address} is known on chain ${chainId} (${name})`
          : `escrow ${wanted.address} of chain ${chainId} (${name}) did not exist at block ${block}: its first event is in block ${nextBlock}`,
      );
    const shown = { chain, block, ...history, state };
    console.log(values.json ? JSON.stringify(escrowJson(shown)) : escrowLines(shown).join("\n"));
  } finally {
    await database.close({ keep: false });
  }
} catch (error) {
  if (error instanceof NothingToShow || error instanceof UnreadableEvent) {
    console.error(error.message);
    process.exit(1);
  }
  exitWith(error);
}

function parseWanted(positionals: string[], block: string | undefined) {
  const [chain, address, ...more] = positionals;
  const problems = [];
  if (chain === undefined || address === undefined || more.length > 0)
    problems.push({ where: "arguments", what: "expected <chain> <escrow>; see --help" });
  else if (!/^0x[0-9a-fA-F]{40}$/.test(address))
    problems.push({
      where: "<escrow>",
      what: `"${address}" is not an address: expected 0x and 40 hex digits`,
    });
  if (block !== undefined && !/^\d{1,15}$/.test(block))
    problems.push({ where: "--block", what: `"${block}" is not a block number` });
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    chain: chain ?? "",
    address: (address ?? "").toLowerCase() as `0x${string}`,
    block: block === undefined ? null : Number(block),
  };
}
