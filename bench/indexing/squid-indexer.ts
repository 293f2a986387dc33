import { join } from "node:path";
import pg from "pg";
import { forkChild } from "../framework/child.ts";
import { query } from "../parts/start-database.ts";
import type { Indexer } from "./indexer.ts";
import { readFacts } from "./read-facts.ts";

const FOLDER = join(import.meta.dirname, "../contenders/squid");

/** What `sqd migration:generate` and `migration:apply` would have made before. */
const TABLES = `
  create table event (
    id text primary key, escrow text not null, type text not null, args json not null,
    block_number integer not null, timestamp integer not null, transaction_hash text not null,
    log_index integer not null);
  create table escrow (
    id text primary key, status text not null, payer text not null, payee text not null,
    arbiter text, amount numeric not null, release_time numeric not null,
    approvals_required integer not null, approvals integer not null, updated_at integer not null)`;

/** A squid of SQD that reads the chain by RPC. */
export const SQUID: Indexer = {
  name: "sqd",
  start: async ({ databaseUrl, rpcUrl, factories, lastBlock }) => {
    await query(databaseUrl, TABLES);
    const child = forkChild(join(FOLDER, "squid-process.ts"), [], {
      cwd: FOLDER,
      stdio: ["ignore", 2, 2, "ipc"],
      env: {
        ...process.env,
        DB_URL: databaseUrl,
        RPC_URL: rpcUrl,
        FACTORIES: Object.values(factories).join(","),
        LAST_BLOCK: String(lastBlock),
        SQD_WARN: "*",
      },
    });
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    const height = async (): Promise<number | null> => {
      const { rows } = await client
        .query("select height from squid_processor.status")
        .catch(() => ({ rows: [] }));
      return rows[0]?.height ?? null;
    };
    return {
      child,
      hasBegun: async () => (await height()) !== null,
      isReady: async () => ((await height()) ?? -1) >= lastBlock,
      facts: () =>
        readFacts(databaseUrl, {
          events: "event",
          escrowColumn: "escrow",
          escrows: "escrow",
          addressColumn: "id",
        }),
      remove: async () => {
        await child.end("SIGKILL");
        await client.end();
        await query(
          databaseUrl,
          "drop table event, escrow; drop schema if exists squid_processor cascade",
        );
      },
    };
  },
};
