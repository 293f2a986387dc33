import { join } from "node:path";
import { forkChild } from "../framework/child.ts";
import { query } from "../parts/start-database.ts";
import type { Place, RelayContender } from "./relay-contender.ts";

const CONTENDERS = join(import.meta.dirname, "../contenders");

/** The loop of select, publish and update, on a table of its own. */
export const NAIVE_LOOP = inOneProcess({
  name: "naive loop",
  main: "naive-loop.ts",
  prepare: async ({ databaseUrl }) => {
    await query(
      databaseUrl,
      `create table outbox (
         id bigint primary key, ordering_key text not null, body text not null,
         attributes jsonb not null, published_at timestamptz);
       create index on outbox (id) where published_at is null;
       insert into outbox select n, key, body, attributes::jsonb from backlog order by n;
       analyze outbox`,
    );
  },
  isDone: "select not exists (select from outbox where published_at is null) as so",
});

export const PG_BOSS = inOneProcess({
  name: "pg-boss",
  main: "pg-boss-worker.ts",
  prepare: (place) => loadWith("load-pg-boss.ts", place),
  // What it has given up after so many tries is lost, and the topic shows it.
  isDone: `
    select not exists (
      select from pgboss.job
      where name = 'outbox' and state not in ('completed', 'failed', 'cancelled')) as so`,
});

export const PG_TRANSACTIONAL_OUTBOX = inOneProcess({
  name: "pg-transactional-outbox",
  main: "pg-transactional-outbox-listener.ts",
  prepare: (place) => loadWith("load-pg-transactional-outbox.ts", place),
  // As above.
  isDone: `
    select not exists (
      select from outbox where processed_at is null and abandoned_at is null) as so`,
});

/** What the client publishes from memory, when nothing is written down. */
export const BARE_CLIENT: RelayContender = {
  ...inOneProcess({
    name: "bare client",
    main: "bare-client.ts",
    prepare: async () => undefined,
    isDone: "select to_regclass('is_published') is not null as so",
  }),
  isDurable: false,
};

/** A contender that is one process of ours around a library, which waits until it is told. */
function inOneProcess({
  main,
  ...contender
}: Pick<RelayContender, "name" | "prepare" | "isDone"> & { main: string }): RelayContender {
  const start = async (place: Place) => {
    const child = forkChild(join(CONTENDERS, main), [], { env: environment(place) });
    await child.message();
    return [child];
  };
  const begin: RelayContender["begin"] = async (_, children) => {
    for (const child of children) child.process.send("begin");
  };
  return {
    ...contender,
    isDurable: true,
    start,
    begin,
    restart: async (place) => {
      const children = await start(place);
      await begin(place, children);
      return children;
    },
  };
}

async function loadWith(main: string, place: Place): Promise<void> {
  await forkChild(join(CONTENDERS, main), [], { env: environment(place) }).done();
}

function environment({ databaseUrl, topic, env }: Place): NodeJS.ProcessEnv {
  return { ...env, DATABASE_URL: databaseUrl, TOPIC: topic };
}
