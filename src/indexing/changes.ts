/** What is to be set so that the one row becomes the other. */
export function changes<T extends object>(before: T, after: T): Partial<T> {
  const set: Partial<T> = {};
  for (const key in after) if (after[key] !== before[key]) set[key] = after[key];
  return set;
}
