/*
 * The engine copies rows on their way in and out, so that a handler cannot change what it keeps
 * (ponder 0.17, `src/utils/copy.ts`). Its copies cost more than everything the handlers do, and
 * nothing here ever changes a row that it was given or has given away. The engine marks what need
 * not be copied with a symbol of the global registry; should another version not know the mark, it
 * copies again, and only speed is lost.
 */
const COPY_ON_WRITE = Symbol.for("ponder:copyOnWrite");

/** The row behind the proxy that the engine hands out. It must not be changed. */
export function readOnly<T extends object>(row: T): Readonly<T> {
  return (row as { [COPY_ON_WRITE]?: T })[COPY_ON_WRITE] ?? row;
}

/**
 * Gives a new row to the engine as it is. It is the engine's from then on, which changes it at the
 * next update, and with it everything that was read before: so read first, then write.
 */
export function given<T extends object>(row: T): T {
  // Not enumerable: a copy of the row must not be taken for the row.
  return Object.defineProperty(row, COPY_ON_WRITE, { value: row });
}

/** What is to be set so that the one row becomes the other. */
export function changes<T extends object>(before: T, after: T): Partial<T> {
  const set: Partial<T> = {};
  for (const key in after) if (after[key] !== before[key]) set[key] = after[key];
  return given(set);
}
