import { sql } from "kysely";
import { ConfigError } from "../../config/config-error.ts";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import { VIEWS_SCHEMA } from "../build-schema.ts";
import { blockOf, wholeBlockOf } from "../checkpoint.ts";
import { CHECKPOINT_TABLE, META_TABLE } from "../private-tables.ts";

type CheckpointRow = {
  chain_id: string;
  chain_name: string;
  latest: string;
  finalized: string;
  safe: string;
};

/** How far a deployment is on a chain. */
export type DeployedChain = {
  chainId: number;
  name: string;
  /**
   * Last block that was indexed wholly. After a crash the engine reverts what is not final and
   * leaves its latest checkpoint where it was: until it is ready again, this is the last final one.
   */
  indexedBlock: number;
  /**
   * Last of them that is final. After a crash the engine also reverts what is, when it came after
   * something that is not on another chain, and goes on behind its safe checkpoint: until it is ready
   * again, this is the block of that.
   */
  finalBlock: number;
  /** The block of the engine's latest checkpoint, and its finalized checkpoint: what a relay goes by. */
  latestBlock: number;
  finalized: string;
};

/** A deployment that is inspected. */
export type Deployment = {
  schema: string;
  /** The engine's id of the build, which capture cursors go by. */
  buildId: string;
  chains: DeployedChain[];
};

/**
 * Finds a deployment to inspect, and the schema of its tables. The views may point at another one
 * a moment later: catalogs are read as they are now, whatever the snapshot, so the views are
 * resolved once.
 *
 * @param schema a deployment's schema, or the views'
 * @throws ConfigError when there is no deployment in it
 */
export async function findDeployment(
  database: FrozenDatabase,
  schema: string = VIEWS_SCHEMA,
): Promise<Deployment> {
  const own = await schemaOfTable(database, schema);
  if (own === null) throw await noDeployment(database, schema);
  const [meta] = await database.read(
    sql<{ build_id: string | null; is_ready: boolean }>`
      select value ->> 'build_id' as build_id, value ->> 'is_ready' = '1' as is_ready
      from ${sql.id(own, META_TABLE)} where key = 'app'`,
  );
  const chains = await database.read(
    sql<CheckpointRow>`
      select chain_id, chain_name, latest_checkpoint as latest,
             finalized_checkpoint as finalized, safe_checkpoint as safe
      from ${sql.id(own, CHECKPOINT_TABLE)} order by chain_id`,
  );
  return {
    schema: own,
    buildId: meta?.build_id ?? "",
    chains: chains.map((row) => {
      const indexed = wholeBlockOf(row.latest);
      const bounds = [row.finalized, ...(meta?.is_ready ? [] : [row.safe])];
      const finalBlock = Math.min(indexed, ...bounds.map(wholeBlockOf));
      return {
        chainId: Number(row.chain_id),
        name: row.chain_name,
        indexedBlock: meta?.is_ready ? indexed : finalBlock,
        finalBlock,
        latestBlock: blockOf(row.latest),
        finalized: row.finalized,
      };
    }),
  };
}

/** The schema of the table `event` that a schema holds itself or as a view; null without one. */
async function schemaOfTable(database: FrozenDatabase, schema: string): Promise<string | null> {
  const rows = await database.read(
    sql<{ schema: string }>`
      select n.nspname as schema
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relname = 'event' and c.relkind = 'r' and n.nspname = ${schema}
      union all
      select distinct tn.nspname
      from pg_class v
      join pg_namespace vn on vn.oid = v.relnamespace
      join pg_rewrite r on r.ev_class = v.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        and d.refclassid = 'pg_class'::regclass
      join pg_class t on t.oid = d.refobjid and t.relkind = 'r'
      join pg_namespace tn on tn.oid = t.relnamespace
      where v.relname = 'event' and v.relkind = 'v' and vn.nspname = ${schema}`,
  );
  return rows[0]?.schema ?? null;
}

async function noDeployment(database: FrozenDatabase, schema: string): Promise<ConfigError> {
  const rows = await database.read(
    sql<{ schema: string }>`
      select n.nspname as schema
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relname = ${META_TABLE} and c.relkind = 'r' order by 1`,
  );
  const there = rows.map((row) => row.schema).join(", ");
  if (schema !== VIEWS_SCHEMA)
    return new ConfigError([
      {
        where: "--schema",
        what: `there is no deployment in schema "${schema}"; there are: ${there || "none"}`,
      },
    ]);
  return new ConfigError([
    {
      where: "DATABASE_URL",
      what:
        `there are no views in schema ${VIEWS_SCHEMA} yet: start the indexer (npm start, npm run indexer) and try again` +
        (there ? `, or name a deployment with --schema: ${there}` : ""),
      mayPass: true,
    },
  ]);
}
