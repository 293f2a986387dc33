import { v1 } from "@google-cloud/pubsub";
import { credentials } from "@grpc/grpc-js";
import pg from "pg";
import { place, whenTold } from "./contender-process.ts";

/*
 * The generated client publishing from memory, one request per key with all of its messages, many
 * requests at once: what is left when nothing is written down. The limit of the transport.
 */

const IN_FLIGHT = 128;
const MAX_PER_REQUEST = 1_000;

type Row = { key: string; body: string; attributes: string };

const client = new pg.Client({ connectionString: place.databaseUrl });
await client.connect();
const { rows } = await client.query<Row>("select key, body, attributes from backlog order by n");
const requests = new Map<string, object[]>();
for (const { key, body, attributes } of rows) {
  const messages = requests.get(key) ?? [];
  requests.set(key, messages);
  const data = Buffer.from(body);
  messages.push({ data, attributes: JSON.parse(attributes), orderingKey: key });
}
const url = new URL(`http://${process.env.PUBSUB_EMULATOR_HOST}`);
const publisher = new v1.PublisherClient({
  projectId: place.projectId,
  servicePath: url.hostname,
  port: Number(url.port),
  sslCreds: credentials.createInsecure(),
});
const topic = publisher.projectTopicsPath?.(place.projectId, place.topic);
await publisher.initialize();

await whenTold();
const queue = [...requests.values()].values();
await Promise.all(
  Array.from({ length: IN_FLIGHT }, async () => {
    for (const messages of queue)
      for (let at = 0; at < messages.length; at += MAX_PER_REQUEST)
        await publisher.publish(
          { topic: topic ?? null, messages: messages.slice(at, at + MAX_PER_REQUEST) },
          { retry: null },
        );
  }),
);
await client.query("create table is_published as select 1");
