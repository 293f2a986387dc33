import "./load-env-file.ts";
import { parseArgs } from "node:util";
import { parseRelayConfig } from "@escrow-stream/relay";
import { status } from "@grpc/grpc-js";
import { ConfigError } from "../config/config-error.ts";
import { exitWith } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { withKysely } from "../db/with-kysely.ts";
import {
  auditTopic,
  createAuditSubscription,
  NoAuditSubscription,
} from "../packages/relay/audit/audit-topic.ts";
import { codeOf } from "../packages/relay/publish/publish-error.ts";

/*
 * `npm run audit:topic -- --topic <id> [--create] [--subscription <id>] [--idle <seconds>]`: reads a
 * whole topic and compares it with the journal. Exit code 0 only when nothing is wrong.
 */

const HELP = `Usage: npm run audit:topic -- [--topic <id>] [--create] [--subscription <id>] [--idle <seconds>]

Reads a whole topic through its own subscription (default <topic>.audit) and compares it with the
journal: lost, duplicated, reordered, differing, gap, unknown. Exit code 0 when there is nothing.

  --create   creates the subscription; it sees what is published from then on
  --idle     seconds without a message after which everything is taken to be read (default 5)`;
const KINDS = ["lost", "duplicated", "reordered", "differing", "gap", "unknown"] as const;
const FINDINGS_SHOWN = 50;

try {
  const { values } = parseArgs({
    options: {
      topic: { type: "string" },
      subscription: { type: "string" },
      create: { type: "boolean", default: false },
      idle: { type: "string", default: "5" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  if (process.env.PUBSUB_EMULATOR_HOST) process.env.METADATA_SERVER_DETECTION ??= "none";
  const config = parseRelayConfig(process.env);
  const topics = config.publications.map(({ topic }) => topic);
  const topic = values.topic ?? topics[0] ?? "";
  if (!topics.includes(topic))
    throw new ConfigError([
      { where: "--topic", what: `"${topic}" is none of the publications: ${topics.join(", ")}` },
    ]);
  const idleMs = 1000 * Number(values.idle);
  if (!(idleMs >= 1000))
    throw new ConfigError([{ where: "--idle", what: "expected a number of seconds from 1" }]);
  const subscription = values.subscription ?? `${topic}.audit`;
  if (values.create) {
    await createAuditSubscription(config.pubsub, topic, subscription);
    console.log(`created ${subscription}: it sees what is published on ${topic} from now on`);
    process.exit(0);
  }
  await checkDatabase(config.databaseUrl);
  process.exitCode = await audit(config, topic, subscription, idleMs);
} catch (error) {
  if (error instanceof NoAuditSubscription || codeOf(error) === status.ALREADY_EXISTS) {
    console.error((error as Error).message);
    process.exit(1);
  }
  exitWith(error);
}

async function audit(
  config: ReturnType<typeof parseRelayConfig>,
  topic: string,
  subscription: string,
  idleMs: number,
): Promise<number> {
  return await withKysely(config.databaseUrl, async (db) => {
    const { judge, expected, outOfSight } = await auditTopic(db, config.pubsub, {
      topic,
      subscription,
      idleMs,
      onProgress: (read) => process.stdout.isTTY && process.stdout.write(`\r${read} read`),
    });
    for (const { kind, orderingKey, sequence, eventId, detail } of judge.findings.slice(
      0,
      FINDINGS_SHOWN,
    ))
      console.log(`${kind}: ${orderingKey} #${sequence} ${eventId}: ${detail}`);
    if (judge.findings.length > FINDINGS_SHOWN)
      console.log(`… and ${judge.findings.length - FINDINGS_SHOWN} more`);
    console.log(
      `topic ${topic}: ${judge.delivered} deliveries read, ${expected} messages had to be there` +
        (outOfSight === 0 ? "" : `, ${outOfSight} are older than the subscription`),
    );
    console.log(KINDS.map((kind) => `${kind} ${judge.count(kind)}`).join(", "));
    return judge.findings.length === 0 ? 0 : 1;
  });
}
