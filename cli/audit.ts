import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { auditSection, chainsToAudit } from "../config/audit-config.ts";
import { databaseSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { auditToFile } from "../proof/audit/audit-to-file.ts";
import { checkCertificateFile } from "../proof/audit/check-certificate-file.ts";
import { printAudit } from "../proof/audit/print-audit.ts";
import { progressLine } from "../proof/audit/progress-line.ts";
import { checkProofFile, isProofFile } from "../proof/witness/check-proof-file.ts";
import { abortOnSignal } from "./abort-on-signal.ts";
import { defineCommand } from "./command.ts";
import { flag, optional, repeated, withDefault } from "./command-option.ts";
import { blockNumber, notEmpty, wholeNumber } from "./option-values.ts";
import { runProcess } from "./run-command.ts";

/** Ended by Ctrl-C (128 + SIGINT). */
const ENDED = 130;

export const audit = defineCommand({
  name: "audit",
  says: `Reads everything that the factories and their escrows logged from the chain, compares it with the event store, and writes a certificate. For a proof that does not hang on the indexer's provider, name another one with AUDIT_RPC_URL. An audit that was ended goes on where it was.

With --check, compares the event store with what a certificate says, without the chain. A long certificate (npm run certificate) is checked with --block-hash alone, on any machine.`,
  options: {
    chain: repeated("<id | name>", "audits this chain only"),
    "from-block": optional(
      "<n>",
      "begins here (default: the first block that is followed)",
      blockNumber,
    ),
    "to-block": optional(
      "<n>",
      "ends here (default: the last block that is final and indexed)",
      blockNumber,
    ),
    thorough: flag(
      "looks at every block's bloom filter, one request for each (without it: 200 blocks)",
    ),
    "allow-unknown": repeated(
      "<topic>",
      'a signature (topic 0, or "anonymous") that is known to be none of ours',
      knownTopic,
    ),
    out: withDefault(
      "<file>",
      "the certificate; beside it <file>.progress",
      "audit-certificate.json",
      notEmpty("a file"),
    ),
    limit: withDefault("<n>", "findings to name of each kind", "1000", wholeNumber(1, 1e9)),
    check: optional("<file>", "a certificate to check"),
    "block-hash": optional(
      "<hash>",
      "for a long certificate: the hash of its last block, from wherever you trust",
      blockHash,
    ),
  },
  config: { databaseUrl: databaseSection, audit: auditSection },
  dataDir: "finds",
  exits1When: "something was found",
  check: ({ "from-block": from, "to-block": to }) =>
    from !== undefined && to !== undefined && from > to
      ? [{ where: "--from-block", what: `${from} lies behind --to-block ${to}` }]
      : [],
  runAlone: ({ check, "block-hash": hash }) => {
    if (check === undefined || !existsSync(check) || !isProofFile(check)) return undefined;
    return checkProofFile(check, hash).then((lines) => {
      console.log(lines.join("\n"));
      return 0;
    });
  },
  run: async ({ options, config }) => {
    const { databaseUrl } = config;
    const {
      check,
      "block-hash": _,
      "from-block": from,
      "to-block": to,
      "allow-unknown": allowed,
      ...rest
    } = options;
    if (check !== undefined) {
      const { isGood, lines } = await checkCertificateFile(databaseUrl, check);
      console.log(lines.join("\n"));
      return isGood ? 0 : 1;
    }
    const chains = chainsToAudit(config.audit.chains, rest.chain);
    await checkDatabase(databaseUrl, { use: "connect" });
    const line = progressLine(process.stderr);
    const certificate = await auditToFile(
      databaseUrl,
      { ...config.audit, chains },
      {
        ...{ out: rest.out, thorough: rest.thorough, limit: rest.limit },
        ...{ fromBlock: from ?? null, toBlock: to ?? null, allowedUnknown: new Set(allowed) },
      },
      line,
      abortOnSignal(),
    );
    if (certificate === null) return ENDED;
    line.end();
    console.log(printAudit(certificate).join("\n"));
    console.log(`certificate ${resolve(rest.out)}`);
    return certificate.result === "complete" ? 0 : 1;
  },
});

function blockHash(text: string): string {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase();
  throw new Error(`"${text}" is no hash of a block: expected 0x and 64 hex digits`);
}

function knownTopic(text: string): string {
  const topic = text.toLowerCase();
  if (topic === "anonymous" || /^0x[0-9a-f]{64}$/.test(topic)) return topic;
  throw new Error(`"${text}" is no signature: expected 0x and 64 hex digits, or "anonymous"`);
}

if (import.meta.main) await runProcess(audit);
