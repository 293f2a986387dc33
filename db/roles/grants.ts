import pg from "pg";
import type { Facts } from "./read-facts.ts";
import { FEED, type RoleNames, SCHEMAS } from "./role-names.ts";

const id = pg.escapeIdentifier;
const { views, witness, journal } = SCHEMAS;

/**
 * Who may read what another role owns. Views are dropped and made again when a build takes over, so
 * the right to read them stands in the default privileges of the role that makes them. The feed is two
 * views among the journal's tables: the relay grants those itself when it has made them
 * (`grant-feed.ts`).
 */
export function grants({ journal: relations, schemas }: Facts, names: RoleNames): string[] {
  const { indexer, relay, readers } = names;
  const reading = readers.map(id).join(", ");
  const feed = FEED.filter((name) => relations.includes(name));
  const closed = [...schemas.map(({ name }) => name), ...Object.values(SCHEMAS)];
  return [
    // What was granted by hand before.
    ...[...new Set(closed)].map(
      (name) => `revoke all on all tables in schema ${id(name)} from ${reading}`,
    ),
    ...readsAll(views, indexer, [relay, ...readers]),
    ...readsAll(witness, indexer, [relay]),
    ...readsAll(journal, relay, [indexer]),
    `grant usage on schema ${journal} to ${reading}`,
    ...feed.map((name) => `grant select on ${journal}.${id(name)} to ${reading}`),
  ];
}

/** Everything in a schema, also what its owner makes later. */
function readsAll(schema: string, owner: string, roles: string[]): string[] {
  const to = roles.map(id).join(", ");
  return [
    `grant usage on schema ${schema} to ${to}`,
    `grant select on all tables in schema ${schema} to ${to}`,
    `alter default privileges for role ${id(owner)} in schema ${schema} grant select on tables to ${to}`,
  ];
}
