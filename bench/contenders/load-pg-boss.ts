import pg from "pg";
import { PgBoss } from "pg-boss";
import { place } from "./contender-process.ts";
import { QUEUE, QUEUE_OPTIONS } from "./pg-boss-queue.ts";

/*
 * Puts the backlog into pg-boss' queue. Jobs of one insert have the same creation time, and a random
 * id decides among them: so each insert holds one message of a key at most.
 */

type Row = { key: string; body: string; attributes: Record<string, string> };

const boss = new PgBoss({ connectionString: place.databaseUrl, supervise: false });
await boss.start();
await boss.createQueue(QUEUE, QUEUE_OPTIONS);
const client = new pg.Client({ connectionString: place.databaseUrl });
await client.connect();
const { rows: rounds } = await client.query<{ jobs: Row[] }>(
  `select array_agg(json_build_object('key', key, 'body', body, 'attributes', attributes::json))
            as jobs
   from (select *, row_number() over (partition by key order by n) as round from backlog) b
   group by round order by round`,
);
for (const { jobs } of rounds)
  await boss.insert(
    QUEUE,
    jobs.map(({ key, body, attributes }) => ({
      data: { body, attributes, orderingKey: key },
      singletonKey: key,
    })),
  );
process.exit(0);
