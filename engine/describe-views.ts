import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { withClient } from "../db/with-client.ts";
import { VIEWS_SCHEMA } from "./build-schema.ts";
import { viewedDeployment } from "./deployment/viewed-deployment.ts";
import comments from "./view-comments.json" with { type: "json" };

type Described = Record<string, { says: string; columns: Record<string, string> }>;

const LOOK_MS = 5_000;
const RETRY_MS = 10_000;

const PROGRESS: Described = {
  chain_progress: {
    says: "How far each chain is indexed, one row per chain of the live deployment.",
    columns: {
      chain_id: "EIP-155 id of the chain.",
      chain_name: "Its name in the configuration.",
      build_id: "The engine's id of the build.",
      is_ready: "Whether its history is indexed.",
      indexed_block: "Last block that is wholly indexed.",
      indexed_at: "Time of that block.",
      final_block: "Last of them that is final.",
      final_at: "Time of that block.",
      safe_block: "Last block that a restart of the engine does not revert.",
      safe_at: "Time of that block.",
      catching_up_since:
        "Set from a start of the engine until it has indexed again what it reverted.",
    },
  },
  chain_verified: {
    says: "Through which block each chain's events were compared with the chain itself.",
    columns: {
      chain_id: "EIP-155 id of the chain.",
      verified_block: "Last block that is verified.",
      verified_at: "When that was found.",
      basis: "What it rests on: proof, or that endpoints agree.",
    },
  },
};

/** What the views say of themselves. */
export const VIEW_COMMENTS: Described = { ...comments, ...PROGRESS };

/**
 * Sees to it that the stable views and their columns say what they are, as long as they show this
 * deployment. The engine drops and creates its views when a deployment becomes live, and their
 * comments go with them: so this looks again every five seconds.
 */
export async function describeViews(
  databaseUrl: string,
  schema: string,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await withClient(databaseUrl, async (client) => {
        await client.query("set statement_timeout = '5s'; set lock_timeout = '1s'");
        while (!signal.aborted) {
          if ((await viewedDeployment(client)) === schema) await describeOnce(client);
          await setTimeout(LOOK_MS, undefined, { signal, ref: false });
        }
      });
    } catch {
      // A database that is away takes the engine with it; a view that is in use is described later.
      await setTimeout(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

/** Sets the comments that differ. Locks: a view that gets one, against being changed. */
export async function describeOnce(client: Pick<pg.ClientBase, "query">): Promise<void> {
  const { rows } = await client.query<{ view: string; column: string | null; says: string | null }>(
    `select c.relname as view, a.attname as column, d.description as says
     from pg_class c
     left join pg_attribute a on a.attrelid = c.oid and a.attnum >= 0 and not a.attisdropped
     left join pg_description d
       on d.objoid = c.oid and d.classoid = 'pg_class'::regclass and d.objsubid = a.attnum
     where c.relnamespace = to_regnamespace($1)::oid and c.relkind = 'v'
     union all
     select c.relname, null, obj_description(c.oid, 'pg_class') from pg_class c
     where c.relnamespace = to_regnamespace($1)::oid and c.relkind = 'v'`,
    [VIEWS_SCHEMA],
  );
  const statements = rows.flatMap(({ view, column, says }) => {
    const wanted =
      column === null ? VIEW_COMMENTS[view]?.says : VIEW_COMMENTS[view]?.columns[column];
    if (wanted === undefined || wanted === says) return [];
    const place = [VIEWS_SCHEMA, view, ...(column === null ? [] : [column])];
    const name = place.map(pg.escapeIdentifier).join(".");
    return [
      `comment on ${column === null ? "view" : "column"} ${name} is ${pg.escapeLiteral(wanted)}`,
    ];
  });
  if (statements.length > 0) await client.query(statements.join(";\n"));
}
