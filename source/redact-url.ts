const SHORTEST_SECRET = 6;

/**
 * Takes the secrets of an endpoint's URL out of a text: user, password, path and query, wherever
 * they stand. The host stays.
 */
export function redactUrl(text: string, url: string): string {
  const { origin, username, password, pathname, search, searchParams } = new URL(url);
  const secrets = [
    url,
    `${pathname}${search}`,
    pathname,
    search,
    username,
    password,
    ...pathname.split("/"),
    ...searchParams.values(),
  ].flatMap((secret) => [secret, decodeURIComponent(secret)]);
  return [...new Set(secrets)]
    .filter((secret) => secret.length >= SHORTEST_SECRET && secret !== origin)
    .sort((a, b) => b.length - a.length)
    .reduce((left, secret) => left.replaceAll(secret, "***"), text);
}
