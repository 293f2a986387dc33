import { ConfigError } from "../config/config-error.ts";

/**
 * The name of a database schema, as it may stand in a statement.
 *
 * @throws ConfigError unless it is a plain name
 */
export function parseSchemaName(option: string, value: string): string {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(value)) return value;
  throw new ConfigError([
    {
      where: option,
      what: `"${value}" is not a schema's name: expected lower-case letters, digits and _`,
    },
  ]);
}
