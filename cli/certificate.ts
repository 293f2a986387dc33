import { resolve } from "node:path";
import type { Chain } from "../config/chain-deployment.ts";
import { ConfigError } from "../config/config-error.ts";
import { chainSection } from "../config/parse-chains.ts";
import { FollowedContracts } from "../proof/audit/followed-contracts.ts";
import { writeChainProof } from "../proof/witness/write-chain-proof.ts";
import type { ChainSource } from "../source/chain-source.ts";
import { openSources } from "../source/open-sources.ts";
import { abortOnSignal } from "./abort-on-signal.ts";
import { defineCommand } from "./command.ts";
import { optional } from "./command-option.ts";
import { blockNumber, notEmpty } from "./option-values.ts";
import { runProcess } from "./run-command.ts";
import { showProgress } from "./show-progress.ts";

const TOOL = "escrow-stream";

export const certificate = defineCommand({
  name: "certificate",
  says: `Reads a chain and writes the long certificate: every header, and the receipts wherever a header does not prove by itself that nothing of ours is in its block. "npm run audit -- --check <file> --block-hash <hash>" checks it anywhere, with nothing but the hash of its last block. Asks the chain alone, no database.`,
  options: {
    chain: optional("<id | name>", "which one, when several are followed"),
    "from-block": optional("<n>", "default: the first that is followed", blockNumber),
    "to-block": optional("<n>", "default: the chain's own finalized block", blockNumber),
    out: optional(
      "<file>",
      "default: chain-<id>-<last block>.jsonl.gz in this folder",
      notEmpty("a file"),
    ),
  },
  config: { chains: chainSection },
  dataDir: "finds",
  exits1When: "the file could not be written",
  check: ({ "from-block": from, "to-block": to }) =>
    from !== undefined && to !== undefined && from > to
      ? [{ where: "--from-block", what: `${from} lies behind --to-block ${to}` }]
      : [],
  run: async ({ options, config }) => {
    const chain = chosen(config.chains, options.chain);
    const [source] = openSources([chain], (_, text) => console.error(text));
    if (source === undefined) throw new Error("no source was opened");
    const from = options["from-block"] ?? new FollowedContracts(chain).start;
    const to = options["to-block"] ?? (await finalizedBlock(source));
    if (from > to)
      throw new ConfigError([
        { where: "--from-block", what: `${from} lies behind the last block, ${to}` },
      ]);
    const path = resolve(options.out ?? `chain-${chain.chainId}-${to}.jsonl.gz`);
    const end = await writeChainProof({
      ...{ source, chain, from, to, path, tool: TOOL, signal: abortOnSignal() },
      onProgress: (block) => showProgress(`block ${block} of ${to}`),
    });
    showProgress("");
    const { block } = await source.block({ number: to });
    console.log(
      `${path}: chain ${chain.chainId} (${chain.name}), blocks ${from} to ${to} ${block.hash}: ${end.events} events of ${end.escrows} escrows, sha256 ${end.sha256}; ${end.receiptsBlocks} blocks with their receipts`,
    );
    return 0;
  },
});

function chosen(chains: readonly Chain[], wanted: string | undefined): Chain {
  const named = chains.filter(
    ({ chainId, name }) => wanted === undefined || wanted === name || wanted === String(chainId),
  );
  const [chain] = named;
  if (chain !== undefined && named.length === 1) return chain;
  const known = chains.map(({ chainId, name }) => `${chainId} ${name}`).join(", ");
  throw new ConfigError([
    {
      where: "--chain",
      what: wanted === undefined ? `name one of ${known}` : `"${wanted}" is none of ${known}`,
    },
  ]);
}

async function finalizedBlock(source: ChainSource): Promise<number> {
  const block = await source.finalized();
  if (block !== null) return Number(block.number);
  throw new ConfigError([
    { where: "--to-block", what: "the chain's nodes name no finalized block: say where to end" },
  ]);
}

if (import.meta.main) await runProcess(certificate);
