import { databaseSection } from "../config/process-config.ts";
import { optionalPubsubSection } from "../config/relay-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { blocksToHash } from "../proof/verify/blocks-to-hash.ts";
import { checkTopics } from "../proof/verify/check-topics.ts";
import { Findings } from "../proof/verify/findings.ts";
import { printVerification } from "../proof/verify/print-verification.ts";
import { verifyStore } from "../proof/verify/verify-store.ts";
import { defineCommand } from "./command.ts";
import { flag, optional, repeated, withDefault } from "./command-option.ts";
import { secondsAsMs, wholeNumber } from "./option-values.ts";
import { runProcess } from "./run-command.ts";
import { showProgress } from "./show-progress.ts";

export const verify = defineCommand({
  name: "verify",
  says: `Compares the read models with a fold of the event store, the journal with the event store, and the topics with the journal, and prints a hash of every state.`,
  options: {
    block: repeated(
      "<n | chain:n>",
      "hash the states at this block, of every chain or of one (default: the last final one)",
    ),
    schema: optional("<name>", "a deployment's schema (default: the one that the views point at)"),
    limit: withDefault("<n>", "differences to name of each kind", "50", wholeNumber(1, 999_999)),
    "no-topic": flag("leaves the topics out"),
    idle: withDefault(
      "<seconds>",
      "time without a message after which a topic is taken to be read",
      "5",
      secondsAsMs,
    ),
    json: flag("one JSON object instead of lines"),
  },
  config: { databaseUrl: databaseSection, pubsub: optionalPubsubSection },
  dataDir: "finds",
  exits1When: "something differs",
  run: async ({ options, config: { databaseUrl, pubsub } }) => {
    const { schema, limit, idle: idleMs, json } = options;
    const findings = new Findings(limit);
    const blocks = blocksToHash(options.block);
    await checkDatabase(databaseUrl);
    const onProgress = showProgress;
    const store = await verifyStore(
      { databaseUrl, ...(schema === undefined ? {} : { schema }), ...blocks, onProgress },
      findings,
    );
    const publications = options["no-topic"] ? [] : (store.journal ?? []);
    const reading = { pubsub, idleMs, onProgress };
    const topics = await checkTopics(databaseUrl, publications, reading, findings);
    showProgress("");
    const report = { ...store, topics };
    const counts = { differences: findings.total, counts: findings.counts() };
    console.log(
      json
        ? JSON.stringify({ ...report, ...counts, findings: findings.list() }, null, 2)
        : printVerification(report, findings).join("\n"),
    );
    return findings.total === 0 ? 0 : 1;
  },
});

if (import.meta.main) await runProcess(verify);
