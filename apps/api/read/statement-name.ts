/** So many statements are prepared on each connection at most: each takes memory there. */
const MAX_STATEMENTS = 200;
const MAX_CHARACTERS = 20_000;

const names = new Map<string, string>();

/**
 * A name under which PostgreSQL keeps a statement prepared, so that it neither parses nor plans it
 * each time. Null for one that is not among the first that were asked: questions have any number of
 * shapes.
 */
export function statementName(text: string): string | null {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= MAX_STATEMENTS || text.length > MAX_CHARACTERS) return null;
  const name = `s${names.size + 1}`;
  names.set(text, name);
  return name;
}
