import "./load-env-file.ts";
import { parseArgs } from "node:util";
import { type PublicationConfig, parseRelayConfig, type RelayConfig } from "@escrow-stream/relay";
import { ConfigError } from "../config/config-error.ts";
import { exitWith } from "../config/process-config.ts";
import { withKysely } from "../db/with-kysely.ts";
import { ponderOutbox } from "../engine/outbox-source.ts";
import { adoptSubscription, NothingToAdopt } from "../packages/relay/audit/adopt-subscription.ts";
import { TopicContradiction } from "../packages/relay/journal/topic-message.ts";

/*
 * `npm run adopt:topic -- --topic <id> (--subscription <id> | --as-is) [--idle <seconds>]`: tells a
 * journal that was restored from a backup what was published since, where its receipts cannot.
 */

const HELP = `Usage: npm run adopt:topic -- --topic <id> (--subscription <id> | --as-is) [--idle <seconds>]

For a publication that is halted because its journal may be older than its topic.

  --subscription  one that holds everything that was published since the journal was backed up:
                  it is read from its beginning, and what the journal lacks is taken over
  --as-is         nothing was published since, or it may be published again
  --idle          seconds without a message after which everything is taken to be read (default 10)`;

try {
  const { values } = parseArgs({
    options: {
      topic: { type: "string" },
      subscription: { type: "string" },
      "as-is": { type: "boolean", default: false },
      idle: { type: "string", default: "10" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  if (process.env.PUBSUB_EMULATOR_HOST) process.env.METADATA_SERVER_DETECTION ??= "none";
  const config = parseRelayConfig(process.env);
  const publication = config.publications.find(({ topic }) => topic === values.topic);
  const topics = config.publications.map(({ topic }) => topic).join(", ");
  const problems: { where: string; what: string }[] = [];
  if (publication === undefined)
    problems.push({ where: "--topic", what: `expected one of the publications: ${topics}` });
  if (values["as-is"] === (values.subscription !== undefined))
    problems.push({ where: "--subscription", what: "expected either this or --as-is" });
  const idleMs = 1000 * Number(values.idle);
  if (!(idleMs >= 1000))
    problems.push({ where: "--idle", what: "expected a number of seconds from 1" });
  if (publication === undefined || problems.length > 0) throw new ConfigError(problems);
  await adopt(config, publication, values.subscription ?? null, idleMs);
} catch (error) {
  if (error instanceof NothingToAdopt || error instanceof TopicContradiction) {
    console.error(error.message);
    process.exit(1);
  }
  exitWith(error);
}

async function adopt(
  { databaseUrl, pubsub }: RelayConfig,
  publication: PublicationConfig,
  subscription: string | null,
  idleMs: number,
): Promise<void> {
  await withKysely(databaseUrl, async (db) => {
    const { read, adopted } = await adoptSubscription(db, pubsub, publication, {
      source: ponderOutbox(),
      subscription,
      idleMs,
      onProgress: (count) => process.stdout.isTTY && process.stdout.write(`\r${count} read`),
    });
    console.log(
      `topic ${publication.topic}: ${read} messages read, ${adopted} of them were news to the journal; the publication goes on`,
    );
  });
}
