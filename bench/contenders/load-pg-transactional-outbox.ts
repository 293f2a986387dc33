import pg from "pg";
import { DatabaseSetup } from "pg-transactional-outbox";
import { place } from "./contender-process.ts";

/* Makes the library's own tables and puts the backlog into them. */

const setup = {
  outboxOrInbox: "outbox",
  schema: "public",
  table: "outbox",
  nextMessagesSchema: "public",
  nextMessagesName: "next_outbox_messages",
};
const client = new pg.Client({ connectionString: place.databaseUrl });
await client.connect();
await client.query(DatabaseSetup.dropAndCreateTable(setup));
await client.query(DatabaseSetup.createPollingFunction(setup));
await client.query(DatabaseSetup.setupPollingIndexes(setup));
await client.query(
  `insert into outbox
     (id, aggregate_type, aggregate_id, message_type, segment, payload, created_at)
   select md5(n::text)::uuid, 'escrow', key, 'event', key,
          json_build_object('body', body, 'attributes', attributes::json, 'orderingKey', key),
          now() + n * interval '1 ms'
   from backlog`,
);
await client.query("analyze outbox");
process.exit(0);
