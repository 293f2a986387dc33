import { status } from "@grpc/grpc-js";
import { CodedError } from "../config/coded-error.ts";
import { ConfigError } from "../config/config-error.ts";
import { relayDatabaseVariable, relaySection } from "../config/relay-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { withKysely } from "../db/with-kysely.ts";
import { auditTopic, createAuditSubscription } from "../packages/relay/audit/audit-topic.ts";
import { codeOf } from "../packages/relay/publish/publish-error.ts";
import { defineCommand } from "./command.ts";
import { flag, optional, withDefault } from "./command-option.ts";
import { secondsAsMs } from "./option-values.ts";
import { runProcess } from "./run-command.ts";
import { showProgress } from "./show-progress.ts";

const KINDS = ["lost", "duplicated", "reordered", "differing", "gap", "unknown"] as const;
const FINDINGS_SHOWN = 50;

export const auditTopicCommand = defineCommand({
  name: "audit:topic",
  says: `Reads a whole topic through its own subscription and compares it with the journal: lost, duplicated, reordered, differing, gap, unknown.`,
  options: {
    topic: optional("<id>", "one of the publications (default: the first)"),
    create: flag("creates the subscription; it sees what is published from then on"),
    subscription: optional("<id>", "default <topic>.audit"),
    idle: withDefault(
      "<seconds>",
      "time without a message after which everything is taken to be read",
      "5",
      secondsAsMs,
    ),
  },
  config: { relay: relaySection },
  dataDir: "finds",
  exits1When: "something was found, or there is no subscription",
  run: async ({ options, config: { relay }, env }) => {
    const topics = relay.publications.map(({ topic }) => topic);
    const topic = options.topic ?? topics[0] ?? "";
    if (!topics.includes(topic))
      throw new ConfigError([
        { where: "--topic", what: `"${topic}" is none of the publications: ${topics.join(", ")}` },
      ]);
    const subscription = options.subscription ?? `${topic}.audit`;
    if (options.create) {
      await createAuditSubscription(relay.pubsub, topic, subscription).catch((error: unknown) => {
        if (codeOf(error) !== status.ALREADY_EXISTS) throw error;
        const { message } = error as Error;
        throw new CodedError("ES-AUDIT-SUBSCRIPTION", message, { cause: error });
      });
      console.log(`created ${subscription}: it sees what is published on ${topic} from now on`);
      return 0;
    }
    await checkDatabase(relay.databaseUrl, {
      variable: relayDatabaseVariable(env),
      use: "relay",
    });
    const { judge, expected, outOfSight } = await withKysely(relay.databaseUrl, (db) =>
      auditTopic(db, relay.pubsub, {
        ...{ topic, subscription, idleMs: options.idle },
        onProgress: (read) => showProgress(`${read} read`),
      }),
    );
    showProgress("");
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
  },
});

if (import.meta.main) await runProcess(auditTopicCommand);
