const UNDEFINED_TABLE = "42P01";
const UNDEFINED_SCHEMA = "3F000";

/** Whether a query failed because no deployment has made the stable views yet. */
export function isViewsMissing(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === UNDEFINED_TABLE || code === UNDEFINED_SCHEMA;
}
