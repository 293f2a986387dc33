/** A database row as REST shows it: names as in SQL, integers beyond 2^53 as decimal strings. */
export function toJson(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      typeof value === "bigint" ? String(value) : value,
    ]),
  );
}
