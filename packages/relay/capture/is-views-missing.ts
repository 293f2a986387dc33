const UNDEFINED_TABLE = "42P01";
const UNDEFINED_SCHEMA = "3F000";

/** Whether a query failed because one of the stable views is not there. */
export function isViewsMissing(error: unknown): boolean {
  const { code, message = "" } = error as { code?: string; message?: string };
  const isUndefined = code === UNDEFINED_TABLE || code === UNDEFINED_SCHEMA;
  // PostgreSQL says only in words what is missing, and a table of the journal must not pass for one.
  return isUndefined && /\bescrow\b/.test(message);
}
