import { ConfigError } from "../config/config-error.ts";
import { relaySection } from "../config/relay-config.ts";
import { withKysely } from "../db/with-kysely.ts";
import { ponderOutbox } from "../engine/outbox-source.ts";
import { adoptSubscription } from "../packages/relay/audit/adopt-subscription.ts";
import { defineCommand } from "./command.ts";
import { flag, optional, withDefault } from "./command-option.ts";
import { secondsAsMs } from "./option-values.ts";
import { runProcess } from "./run-command.ts";
import { showProgress } from "./show-progress.ts";

export const adoptTopic = defineCommand({
  name: "adopt:topic",
  says: `Tells a journal that was restored from a backup what was published since, where its receipts cannot. For a publication that is halted because its journal may be older than its topic.`,
  options: {
    topic: optional("<id>", "the publication; must be given"),
    subscription: optional(
      "<id>",
      "one that holds everything that was published since the journal was backed up: it is read from its beginning, and what the journal lacks is taken over",
    ),
    "as-is": flag("nothing was published since, or it may be published again"),
    idle: withDefault(
      "<seconds>",
      "time without a message after which everything is taken to be read",
      "10",
      secondsAsMs,
    ),
  },
  config: { relay: relaySection },
  dataDir: "finds",
  exits1When: "there is nothing to adopt, or the topic contradicts the journal",
  check: ({ "as-is": isAsIs, subscription }) =>
    isAsIs === (subscription !== undefined)
      ? [{ where: "--subscription", what: "expected either this or --as-is" }]
      : [],
  run: async ({ options, config: { relay } }) => {
    const publication = relay.publications.find(({ topic }) => topic === options.topic);
    if (publication === undefined)
      throw new ConfigError([
        {
          where: "--topic",
          what: `expected one of the publications: ${relay.publications.map(({ topic }) => topic).join(", ")}`,
        },
      ]);
    const { read, adopted } = await withKysely(relay.databaseUrl, (db) =>
      adoptSubscription(db, relay.pubsub, publication, {
        source: ponderOutbox(),
        ...{ subscription: options.subscription ?? null, idleMs: options.idle },
        onProgress: (count) => showProgress(`${count} read`),
      }),
    );
    showProgress("");
    console.log(
      `topic ${publication.topic}: ${read} messages read, ${adopted} of them were news to the journal; the publication goes on`,
    );
    return 0;
  },
});

if (import.meta.main) await runProcess(adoptTopic);
