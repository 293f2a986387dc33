import { PubSub } from "@google-cloud/pubsub";
import pg from "pg";
import { place, whenTold } from "./contender-process.ts";

/*
 * The loop that everybody writes first: select what is not published, publish it with the client
 * library, ordered by aggregate, and update it. One instance; nothing else is done about a crash
 * between publish and update.
 */

const BATCH = 1_000;

type Row = { id: string; ordering_key: string; body: string; attributes: Record<string, string> };

const client = new pg.Client({ connectionString: place.databaseUrl });
await client.connect();
const pubsub = new PubSub({ projectId: place.projectId });
const topic = pubsub.topic(place.topic, {
  messageOrdering: true,
  batching: { maxMessages: 1_000, maxMilliseconds: 1 },
});

await whenTold();
for (;;) {
  const { rows } = await client.query<Row>({
    name: "select",
    text: `select id, ordering_key, body, attributes from outbox
           where published_at is null order by id limit ${BATCH}`,
  });
  if (rows.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    continue;
  }
  await Promise.all(
    rows.map(({ ordering_key, body, attributes }) =>
      topic.publishMessage({ data: Buffer.from(body), attributes, orderingKey: ordering_key }),
    ),
  );
  await client.query({
    name: "update",
    text: "update outbox set published_at = now() where id = any ($1::bigint[])",
    values: [rows.map(({ id }) => id)],
  });
}
