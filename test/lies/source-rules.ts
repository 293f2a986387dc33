/** A rule of the source, and what switches it off in a copy of the source. */
export type SourceRule = {
  /** What lies name that are against it. */
  name: string;
  /** The text must stand in the file exactly once. */
  patches: { file: string; search: string; replace: string }[];
  /** A lie that shows it, where none is against this rule above all. */
  shownBy?: string;
};

function rule(name: string, file: string, search: string, replace = ""): SourceRule {
  return { name, patches: [{ file: `source/${file}`, search, replace }] };
}

const BLOCKS: readonly SourceRule[] = [
  rule(
    "a block that is not there is asked for again",
    "raw-block.ts",
    `    throw new RpcProblem("transient", "it has no such block: it may lag behind");`,
    "    return { block: answer as RawBlock, isProven: true };",
  ),
  rule(
    "a block is the one asked for, by number",
    "raw-block.ts",
    `"number" in asked && asked.number !== number`,
    "false",
  ),
  rule(
    "a block is the one asked for, by hash",
    "raw-block.ts",
    `"hash" in asked && asked.hash.toLowerCase() !== hash`,
    "false",
  ),
  rule("a header makes its hash", "raw-block.ts", `proveHeader(raw) === "proven"`, "true"),
  rule(
    "a block has what a block has",
    "raw-block.ts",
    `  hex(raw.logsBloom, /^0x[0-9a-f]{512}$/, "logsBloom");\n  wholeNumber(raw.timestamp, "timestamp");\n`,
  ),
  rule(
    "a header that cannot be proven is given by every endpoint, again and again",
    "block-doubts.ts",
    "if (!isAgreed)",
    "if (false)",
  ),
  rule(
    "a chain of unknown layout is followed all the same",
    "block-doubts.ts",
    "if (!isAgreed)",
    "if (true)",
  ),
  rule(
    "a header's missing miner is nobody",
    "header-hash.ts",
    `field === "miner" && header.miner === null ? ZERO_ADDRESS : header[field]`,
    "header[field]",
  ),
  rule(
    "a lower head is not believed at once",
    "block-source.ts",
    "last === null || Number(block.number) >= Number(last.number)",
    "true",
  ),
  rule(
    "an endpoint of another chain is never asked again",
    "endpoint-pool.ts",
    "if (id === this.chainId) {",
    "if (true) {",
  ),
  {
    ...rule(
      "a block whose logs nobody has is not believed at one endpoint's word",
      "branch-doubts.ts",
      "if (isAgreed) return;",
      "if (isAgreed || isOn) return;",
    ),
    shownBy: "a block of a branch that was dropped",
  },
  rule(
    "no block is skipped by a bloom that was not seen to be right",
    "chain-source.ts",
    `this.#logs.bloom.state === "trusted" ? block`,
    "true ? block",
  ),
];

const EVIDENCE: readonly SourceRule[] = [
  rule(
    "a replaced block is shown by two looks",
    "chain-evidence.ts",
    "const fewest = Math.min(first, await look());",
    "const fewest = first;",
  ),
  rule(
    "a missing block replaces nothing",
    "chain-evidence.ts",
    "    if (first === 0) return false;",
    "    if (first === 0) return true;",
  ),
  {
    ...rule(
      "a node that is stuck on an old branch is outvoted",
      "chain-evidence.ts",
      "(speakingFor >= 2 && speakingFor > against)",
      "false",
    ),
    shownBy: "a block of a branch that was dropped",
  },
];

const RANGES: readonly SourceRule[] = [
  rule(
    "a range is asked together with the header of its last block",
    "range-reader.ts",
    "  const [logs, { block }] = await Promise.all([",
    `  if (filter) return await endpoint.askOnce("eth_getLogs", [filter], {
    what: "of a range",
    parse: (answer) => checkLogs(answer, filter),
  });
  const [logs, { block }] = await Promise.all([`,
  ),
  rule(
    "the last block's logs are of the branch of its header",
    "range-reader.ts",
    "blockHash.toLowerCase() !== block.hash.toLowerCase()",
    "false && blockHash === block.hash",
  ),
  rule("no log is marked as removed", "check-logs.ts", "log.removed === true", "false"),
  rule("no log stands there twice", "check-logs.ts", "if (seen.has(", "if (false && seen.has("),
  {
    name: "logs stand in the order of the chain",
    patches: [
      ...rule(
        "",
        "check-logs.ts",
        "logs.sort((a, b) => a.block - b.block || a.index - b.index)",
        "logs",
      ).patches,
      ...rule("", "range-reader.ts", "logs.sort(inLogOrder)", "logs").patches,
    ],
  },
  rule(
    "a log was asked for",
    "check-logs.ts",
    "!isWanted(log, block, hash)",
    "(isWanted(log, block, hash), false)",
  ),
  rule(
    "logs of one block name one hash",
    "check-logs.ts",
    "(hashes.get(block) ?? hash) !== hash",
    "false",
  ),
  rule(
    "logs are a list of logs",
    "check-logs.ts",
    `  if (!Array.isArray(answer)) throw new RpcProblem("lie", "the answer is no list of logs");`,
    "  if (!Array.isArray(answer)) return [];",
  ),
  rule(
    "a log has what a log has",
    "check-logs.ts",
    `    hex(log.data, /^0x([0-9a-f]{2})*$/, "data");\n`,
  ),
  rule(
    "endpoints agree on the logs of a range",
    "log-agreement.ts",
    "const others = agree > 1 ?",
    "const others = agree > 99 ?",
  ),
  rule(
    "what endpoints differ in is proven",
    "log-agreement.ts",
    "isSameLogs(a, b) ? a : await this.#truthOf([first, a], [other, b])",
    "(isSameLogs(a, b) || true) ? a : await this.#truthOf([first, a], [other, b])",
  ),
];

const RECEIPTS: readonly SourceRule[] = [
  rule(
    "receipts that are not there are asked for again",
    "proven-receipts.ts",
    `  if (!Array.isArray(answer)) throw new RpcProblem("transient", "it has no receipts of that block");`,
    "  if (!Array.isArray(answer)) return { receipts: [], logs: [], isOwnBloom: true };",
  ),
  rule(
    "receipts give the root in the header",
    "proven-receipts.ts",
    "const isWhole = receiptsRootOf(receipts) === root;",
    "const isWhole = receiptsRootOf(receipts) === root || receipts.length >= 0;",
  ),
  {
    ...rule(
      "what a receipt's logs say is said in one form",
      "proven-receipts.ts",
      `data: hex(log.data, BYTES, "data")`,
      "data: log.data",
    ),
    shownBy: "another amount in a receipt",
  },
  rule(
    "a log's place is where it stands in the receipts",
    "proven-receipts.ts",
    "      ...{ blockHash: hash, blockNumber: number, removed: false },\n",
  ),
  rule(
    "a receipt is of the block's own transaction",
    "log-source.ts",
    "hashes?.[Number(log.transactionIndex)] ?? log.transactionHash",
    "log.transactionHash ?? hashes",
  ),
  rule(
    "a block's transactions give the root in its header",
    "transaction-proofs.ts",
    `if (result === "proven") {`,
    "if (result) {",
  ),
  rule(
    "receipts that cannot be read are asked for again",
    "proven-receipts.ts",
    `    throw new RpcProblem("lie", "its receipts cannot be read", { cause });`,
    "    return { receipts: [], logs: [], isOwnBloom: true };",
  ),
  rule(
    "what stands outside the root decides no rows",
    "proven-receipts.ts",
    "if (!isWhole) refuseUnproven(receipts, topics);",
    "if (isWhole) refuseUnproven(receipts, topics);",
  ),
  rule(
    "receipts of state syncs lie outside the root",
    "proven-receipts.ts",
    "others.length < receipts.length &&",
    "others.length < 0 &&",
  ),
  rule(
    "nodes without receipts are followed all the same",
    "log-source.ts",
    `if (!isOf(error, "refused") || mayBe) throw error;`,
    "if (error || mayBe) throw error;",
  ),
  rule(
    "logs of a block make its bloom",
    "log-source.ts",
    "left <= 0 || bloomOf(logs as never) === logsBloom.toLowerCase()",
    "left <= Infinity || bloomOf(logs as never) === logsBloom.toLowerCase()",
  ),
  rule(
    "logs that do not make the bloom are proven",
    "log-source.ts",
    "    if (isOwn || !isProven) return logs;",
    "    if (isOwn || !isProven || logs) return logs;",
  ),
  rule(
    "logs of a block that concerns us are proven",
    "log-source.ts",
    "isProven && this.#concerns(block) ?",
    "isProven && !block && this.#concerns(block) ?",
  ),
];

/* Those without which nobody answers in time, or the head stands still. */
const PACE: readonly SourceRule[] = [
  rule(
    "an answer has to end in time",
    "http-refusal.ts",
    "const response = await fetch(input, { ...init, signal });",
    "const response = await fetch(input, { ...init, signal: signal && null });",
  ),
  rule(
    "the head is the highest that any endpoint has",
    "endpoint-pool.ts",
    "Number(a.health.isLagging) - Number(b.health.isLagging) ||",
  ),
];

const REFUSALS: readonly SourceRule[] = [
  rule(
    "what does not answer is asked again",
    "endpoint-pool.ts",
    "          problem = error;\n",
    "          throw error;\n",
  ),
  rule(
    "a provider that complains is asked less",
    "rpc-endpoint.ts",
    `      if (problem.kind === "rate-limited") this.#slowDown(problem);\n`,
  ),
  rule(
    "a node that stands behind is asked again",
    "rpc-problem.ts",
    `  if (BEHIND.test(words)) return "transient";`,
    "",
  ),
  rule(
    "what one endpoint refuses, another is asked",
    "endpoint-pool.ts",
    "if (IS_FINAL.has(error.kind)) refusals += 1;",
    "if (IS_FINAL.has(error.kind)) throw error;",
  ),
  rule(
    "a range that is too large is asked in parts",
    "rpc-problem.ts",
    `  if (TOO_LARGE.test(words)) return "too-large";`,
    `  if (TOO_LARGE.test(words)) return "transient";`,
  ),
  rule(
    "invalid parameters of a range mean a smaller one",
    "rpc-problem.ts",
    `if (code === -32_602) return "too-large";`,
    `if (code === -32_602) return "transient";`,
  ),
  rule(
    "an answer that is too large is asked in parts",
    "rpc-problem.ts",
    "|| status === 413)",
    "|| status === 999)",
  ),
  rule(
    "a range that takes too long is asked in parts",
    "rpc-problem.ts",
    `  if (TIMED_OUT.test(words)) return "timeout";`,
    `  if (TIMED_OUT.test(words)) return "transient";`,
  ),
  rule(
    "a filter with too many addresses is asked in parts",
    "rpc-problem.ts",
    `  if (TOO_MANY_ADDRESSES.test(words)) return "too-many-addresses";`,
    `  if (TOO_MANY_ADDRESSES.test(words)) return "transient";`,
  ),
  rule(
    "a node that demands contracts is given them",
    "rpc-problem.ts",
    `  if (NEEDS_ADDRESS.test(words)) return "needs-address";`,
    `  if (NEEDS_ADDRESS.test(words)) return "transient";`,
  ),
  {
    ...rule("a limit is no lie", "rpc-endpoint.ts", `problem.kind === "lie")`, "true)"),
    shownBy: "more than five blocks: query timeout exceeded",
  },
];

/** Every rule of `source/` that lies are told against. */
export const SOURCE_RULES: readonly SourceRule[] = [
  ...BLOCKS,
  ...EVIDENCE,
  ...RANGES,
  ...RECEIPTS,
  ...REFUSALS,
  ...PACE,
];
