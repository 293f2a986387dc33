import { createHash } from "node:crypto";
import { type RawBuilder, sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { Deployment } from "../../engine/deployment/find-deployment.ts";
import type { EventRow } from "../../src/events/event-row.ts";
import { newestVersions } from "../../src/events/upcast.ts";
import { eventLine, headerLine, trailerLine } from "./export-format.ts";
import type { ExportRange } from "./export-range.ts";

const PAGE_ROWS = 5_000;

export type ExportOptions = {
  exportedAt: Date;
  /** Called with the number of events read so far. */
  onProgress: (events: number) => void;
};

/**
 * The text of an export, piece by piece: memory depends on the size of a page alone. All of it is
 * read as of one moment.
 */
export async function* exportEvents(
  database: FrozenDatabase,
  { schema, buildId }: Deployment,
  ranges: ExportRange[],
  { exportedAt, onProgress }: ExportOptions,
): AsyncGenerator<string> {
  const all = createHash("sha256");
  const own = createHash("sha256");
  let events = 0;
  const header = headerLine({
    exported_at: exportedAt.toISOString(),
    deployment: { schema, build_id: buildId },
    schema_versions: newestVersions(),
    chains: ranges.map(({ chain, fromBlock, toBlock }) => ({
      chain_id: chain.chainId,
      name: chain.name,
      from_block: fromBlock,
      to_block: toBlock,
      final_block: Math.min(chain.finalBlock, toBlock),
    })),
  });
  all.update(header);
  yield header;
  for await (const rows of readPages(database, schema, ranges)) {
    const lines = rows.map(eventLine).join("");
    all.update(lines);
    own.update(lines);
    events += rows.length;
    onProgress(events);
    yield lines;
  }
  yield trailerLine({ events, events_sha256: own.digest("hex"), sha256: all.digest("hex") });
}

async function* readPages(
  database: FrozenDatabase,
  schema: string,
  ranges: ExportRange[],
): AsyncGenerator<EventRow[]> {
  let last: EventRow | undefined;
  for (;;) {
    const rows: EventRow[] = await database.read(page(schema, ranges, last));
    if (rows.length > 0) yield rows;
    last = rows.at(-1);
    if (rows.length < PAGE_ROWS) return;
  }
}

/** In the order of positions, by their index; no lock is left between two pages. */
function page(
  schema: string,
  ranges: ExportRange[],
  last: EventRow | undefined,
): RawBuilder<EventRow> {
  const isNext = last === undefined ? sql`true` : sql`e.position > ${last.position}`;
  return sql<EventRow>`
    select e.* from ${sql.id(schema, "event")} e
    join unnest(${ranges.map(({ chain }) => chain.chainId)}::bigint[],
                ${ranges.map(({ fromBlock }) => fromBlock)}::bigint[],
                ${ranges.map(({ toBlock }) => toBlock)}::bigint[])
      as r (chain_id, from_block, to_block)
      on r.chain_id = e.chain_id and e.block_number between r.from_block and r.to_block
    where ${isNext}
    order by e.position
    limit ${PAGE_ROWS}`;
}
