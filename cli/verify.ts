import "./load-env-file.ts";
import { parseArgs } from "node:util";
import { ConfigError } from "../config/config-error.ts";
import { exitWith, parseProcessConfig } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { withKysely } from "../db/with-kysely.ts";
import type { PubsubConfig } from "../packages/relay/publish/pubsub-endpoint.ts";
import { checkTopic, type TopicCheck } from "../proof/verify/check-topic.ts";
import { Findings } from "../proof/verify/findings.ts";
import { printVerification } from "../proof/verify/print-verification.ts";
import { parseBlocks, parseLimit } from "../proof/verify/verify-options.ts";
import { type JournalCheck, verifyStore } from "../proof/verify/verify-store.ts";

/*
 * `npm run verify`: fold(event store) = read models, journal = event store, topic = journal. Exit
 * code 0 when nothing differs, 1 when something does.
 */

const HELP = `Usage: npm run verify -- [--block <n | chain:n>]… [--schema <name>] [--limit <n>] [--no-topic] [--idle <seconds>] [--json]

Compares the read models with a fold of the event store, the journal with the event store, and the
topics with the journal, and prints a hash of every state. Exit code 0 when nothing differs, 1 when
something does. Needs DATABASE_URL, and the relay's Pub/Sub variables for the topics; npm start prints
those of its embedded parts, which are there while it runs.

  --block     hash the states at this block, of every chain or of one (default: the last final one)
  --schema    a deployment's schema (default: the one that the views point at)
  --limit     differences to name of each kind (default 50)
  --no-topic  leaves the topics out
  --idle      seconds without a message after which a topic is taken to be read (default 5)
  --json      one JSON object instead of lines`;

try {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      block: { type: "string", multiple: true, default: [] },
      schema: { type: "string" },
      limit: { type: "string", default: "50" },
      topic: { type: "boolean", default: true },
      idle: { type: "string", default: "5" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const { databaseUrl } = parseProcessConfig(process.env);
  const findings = new Findings(parseLimit(values.limit));
  const idleMs = 1000 * Number(values.idle);
  if (!(idleMs >= 1000))
    throw new ConfigError([{ where: "--idle", what: "expected a number of seconds from 1" }]);
  const blocks = parseBlocks(values.block);
  await checkDatabase(databaseUrl);
  const store = await verifyStore(
    {
      databaseUrl,
      ...(values.schema === undefined ? {} : { schema: values.schema }),
      ...blocks,
      onProgress: showProgress,
    },
    findings,
  );
  const topics = values.topic
    ? await checkTopics(databaseUrl, store.journal ?? [], idleMs, findings)
    : [];
  showProgress("");
  const report = { ...store, topics };
  if (values.json)
    console.log(
      JSON.stringify(
        {
          ...report,
          differences: findings.total,
          counts: findings.counts(),
          findings: findings.list(),
        },
        null,
        2,
      ),
    );
  else console.log(printVerification(report, findings).join("\n"));
  process.exitCode = findings.total === 0 ? 0 : 1;
} catch (error) {
  exitWith(error);
}

/** The journal is read anew: a topic has what was published meanwhile. */
async function checkTopics(
  databaseUrl: string,
  publications: readonly JournalCheck[],
  idleMs: number,
  findings: Findings,
): Promise<TopicCheck[]> {
  const pubsub = pubsubConfig();
  return await withKysely(databaseUrl, async (db) => {
    const checks: TopicCheck[] = [];
    for (const publication of publications) {
      showProgress(`reading ${publication.topic}`);
      checks.push(await checkTopic(db, pubsub, publication, idleMs, findings));
    }
    return checks;
  });
}

/** As the relay and `npm start` have it; null when Pub/Sub is not configured. */
function pubsubConfig(): PubsubConfig | null {
  const { PUBSUB_PROJECT_ID: projectId, PUBSUB_EMULATOR_HOST: emulatorHost } = process.env;
  if (emulatorHost) process.env.METADATA_SERVER_DETECTION ??= "none";
  if (!projectId) return null;
  return { projectId, ...(emulatorHost ? { emulatorHost } : {}) };
}

function showProgress(step: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${step}`);
}
