import { join } from "node:path";
import { CHECKPOINT_TABLE, META_TABLE, privateTablesSql } from "../../engine/private-tables.ts";
import { type Child, forkChild } from "../framework/child.ts";
import { query } from "../parts/start-database.ts";
import type { Place, RelayContender } from "./relay-contender.ts";
import { untilSo } from "./until-so.ts";

const RELAY = join(import.meta.dirname, "../../cli/relay.ts");
/** As `npm run relay` starts it. */
const NODE_OPTIONS = ["--max-old-space-size=160", "--max-semi-space-size=8"];

/** The tables that the relay reads, as the engine makes them. */
const OUTBOX = `
  create schema escrow;
  create table escrow.outbox (
    chain_id bigint, position text, event_id text not null, block_number bigint not null,
    block_hash text not null, ordering_key text not null, body text not null,
    attributes text not null, primary key (chain_id, position));
  create index on escrow.outbox (event_id);
  ${privateTablesSql("escrow")}
  insert into escrow.${META_TABLE} values ('app', '{"build_id": "bench"}');
  insert into escrow.${CHECKPOINT_TABLE}
    values ('one', 1, repeat('9', 75), repeat('9', 75), repeat('9', 75))`;

/** The relay as `npm run relay` starts it, in one or more instances, on an outbox of its own. */
export function ourRelay(instances: number): RelayContender {
  return {
    name: instances === 1 ? "relay" : `relay × ${instances}`,
    isDurable: true,
    prepare: async ({ databaseUrl }) => {
      await query(databaseUrl, OUTBOX);
    },
    start: async (place) => {
      const children = startRelays(place, instances);
      const isLeased = `
        select count(distinct owner) = ${instances} and bool_and(owner is not null) as so
        from relay.lease`;
      // The relays make the journal while they are asked.
      await untilSo(place.databaseUrl, children, isLeased, { everyMs: 20, mayFail: true });
      return children;
    },
    begin: async ({ databaseUrl }) => {
      await query(
        databaseUrl,
        `insert into escrow.outbox
           select 1, lpad(n::text, 75, '0'), event_id, n, '0x' || n, key, body, attributes
           from backlog;
         notify escrow_live_query`,
      );
    },
    restart: async (place) => startRelays(place, instances),
    isDone: `
      select case when exists (
                    select from relay.ordering_key
                    where publication_id = 1 and published_sequence < last_sequence)
             then false
             else (select coalesce(sum(published_sequence), 0) from relay.ordering_key)
                  = (select count(*) from backlog) end as so`,
  };
}

function startRelays({ databaseUrl, topic, env }: Place, instances: number): Child[] {
  return Array.from({ length: instances }, () =>
    forkChild(RELAY, [], {
      env: {
        ...env,
        DATABASE_URL: databaseUrl,
        PUBSUB_CREATE: "true",
        PUBLICATIONS: `${topic}=latest`,
        LOG_LEVEL: "error",
      },
      execArgv: NODE_OPTIONS,
    }),
  );
}
