import { ConfigError } from "../../config/config-error.ts";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { type Deployment, findDeployment } from "../../engine/deployment/find-deployment.ts";
import { type Comparison, compareProjection } from "./compare-projection.ts";
import { PAGE_ROWS } from "./event-pages.ts";
import { Findings } from "./findings.ts";
import { foldEventStore } from "./fold-event-store.ts";
import { READ_MODEL_NAMES, ReadModelFold } from "./read-model-fold.ts";

import { KEPT_SCHEMA, TEMPORARY_SCHEMA, takeKeptSchema } from "./shadow-schema.ts";

export type RebuildOptions = {
  databaseUrl: string;
  /** Of a deployment; without it the one that is live. */
  schema?: string;
  /** Names of projections, or `all`. */
  projection: string;
  /** Differing rows to name of each projection. */
  limit: number;
  /** Leaves the folded tables in a schema of their own. */
  keep: boolean;
  /** Events that are held in memory at a time. */
  pageRows?: number;
  onProgress: (events: number) => void;
};

export type Rebuild = {
  deployment: Deployment;
  events: number;
  comparisons: Comparison[];
  /** Events that could not be read or folded. */
  findings: Findings;
  /** Where the folded tables were left. */
  keptIn: string | null;
};

/**
 * Folds projections from the event store into shadow tables and compares them with the read
 * models, all as of one moment. Killed at any time, it leaves nothing behind.
 *
 * @throws ConfigError when there is no such projection or deployment
 */
export async function rebuildProjections(options: RebuildOptions): Promise<Rebuild> {
  const { projection, limit, keep, pageRows = PAGE_ROWS } = options;
  if (projection !== "all" && !READ_MODEL_NAMES.includes(projection))
    throw new ConfigError([
      {
        where: "--projection",
        what: `"${projection}" is none of all, ${READ_MODEL_NAMES.join(", ")}`,
      },
    ]);
  const database = await FrozenDatabase.open(options.databaseUrl);
  let isDone = false;
  try {
    const deployment = await findDeployment(database, options.schema);
    const place = keep ? await takeKeptSchema(database) : TEMPORARY_SCHEMA;
    const chosen = projection === "all" ? READ_MODEL_NAMES : [projection];
    const findings = new Findings(limit);
    const fold = await ReadModelFold.create(
      database,
      deployment.schema,
      chosen,
      place,
      (event, table, error) =>
        findings.add("event-unfoldable", event.id, `${table}: ${error.message}`),
    );
    let events = 0;
    const onPage = (count: number) => {
      events += count;
      options.onProgress(events);
    };
    await foldEventStore(
      database,
      deployment,
      fold,
      { part: "behind", blocks: [], pageRows, onPage },
      findings,
    );
    const comparisons: Comparison[] = [];
    for (const shadow of fold.shadows)
      comparisons.push(await compareProjection(database, deployment.schema, shadow, limit));
    isDone = true;
    return { deployment, events, comparisons, findings, keptIn: keep ? KEPT_SCHEMA : null };
  } finally {
    await database.close({ keep: keep && isDone });
  }
}
