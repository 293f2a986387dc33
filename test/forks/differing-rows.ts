/**
 * Compares rows that should be with rows that are, whatever the order. Names may be in camelCase,
 * numbers in any form.
 *
 * @param key columns that tell the rows apart
 */
export function differingRows(
  table: string,
  key: readonly string[],
  expected: Iterable<object>,
  found: readonly object[],
): string[] {
  const wanted = byKey(key, expected);
  const there = byKey(key, found);
  return [...new Set([...wanted.keys(), ...there.keys()])]
    .filter((id) => wanted.get(id) !== there.get(id))
    .map((id) => `${table} ${id}: expected ${wanted.get(id)}, found ${there.get(id)}`);
}

function byKey(key: readonly string[], rows: Iterable<object>): Map<string, string> {
  return new Map(
    [...rows].map((row) => {
      const columns = Object.fromEntries(
        Object.entries(row)
          .map(([name, value]) => [snakeCase(name), normal(value)] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
      return [key.map((name) => columns[name]).join(" "), JSON.stringify(columns)];
    }),
  );
}

function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  return typeof value === "number" || typeof value === "bigint" ? String(value) : value;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
