const UNDEFINED_TABLE = "42P01";
const UNDEFINED_SCHEMA = "3F000";

/**
 * Whether a query failed because a schema or table of an outbox is not there.
 *
 * @param name of the schema or table, as PostgreSQL's message has it
 */
export function isRelationMissing(error: unknown, name: string): boolean {
  const { code, message = "" } = error as { code?: string; message?: string };
  const isUndefined = code === UNDEFINED_TABLE || code === UNDEFINED_SCHEMA;
  // PostgreSQL says only in words what is missing, and a table of the journal must not pass for one.
  return isUndefined && message.split(/[^\w$-]+/).includes(name);
}
